#include "kernels/norm.h"

#include "kernels/row_tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/norm.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/element_functions.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
namespace {

HWY_INLINE float Sum(const float* row, int64_t width) {
  Lanes16 sum = Zero16();
  int64_t i = 0;
  for (; i + kReductionLanes <= width; i += kReductionLanes) {
    sum = Add16(sum, Load16(row + i));
  }
  if (i < width) {
    sum = Add16(sum, LoadFirst16(row + i, static_cast<int>(width - i)));
  }
  return Sum16(sum);
}

HWY_INLINE float SumOfSquares(const float* row, int64_t width) {
  Lanes16 sum = Zero16();
  int64_t i = 0;
  for (; i + kReductionLanes <= width; i += kReductionLanes) {
    const Lanes16 v = Load16(row + i);
    sum = MulAdd16(v, v, sum);
  }
  if (i < width) {
    const Lanes16 v = LoadFirst16(row + i, static_cast<int>(width - i));
    sum = MulAdd16(v, v, sum);
  }
  return Sum16(sum);
}

template <class D>
HWY_INLINE void ScaleLanes(D d, const float* from, float scale,
                           const float* weight, float* to) {
  auto v = hn::Mul(hn::LoadU(d, from), hn::Set(d, scale));
  if (weight != nullptr) v = hn::Mul(v, hn::LoadU(d, weight));
  hn::StoreU(v, d, to);
}

void RmsNormRows(ConstRows x, const float* weight, float epsilon, Rows y,
                 int64_t begin, int64_t end) {
  for (int64_t m = begin; m < end; ++m) {
    const float* from = x.row(m);
    float* to = y.row(m);
    const float mean =
        SumOfSquares(from, x.width) / static_cast<float>(x.width);
    const float scale = 1.0f / __builtin_sqrtf(mean + epsilon);
    int64_t i = 0;
    for (; i + kLanes <= x.width; i += kLanes) {
      ScaleLanes(FloatTag(), from + i, scale, weight ? weight + i : nullptr,
                 to + i);
    }
    for (; i < x.width; ++i) {
      ScaleLanes(OneTag(), from + i, scale, weight ? weight + i : nullptr,
                 to + i);
    }
  }
}

template <class D>
HWY_INLINE void ShiftLanes(D d, const float* from, float mean, float* to) {
  hn::StoreU(hn::Sub(hn::LoadU(d, from), hn::Set(d, mean)), d, to);
}

template <class D>
HWY_INLINE void ScaleAndShiftLanes(D d, float scale, const float* weight,
                                   const float* bias, float* row) {
  auto v = hn::Mul(hn::LoadU(d, row), hn::Set(d, scale));
  if (weight != nullptr && bias != nullptr) {
    v = hn::MulAdd(v, hn::LoadU(d, weight), hn::LoadU(d, bias));
  } else if (weight != nullptr) {
    v = hn::Mul(v, hn::LoadU(d, weight));
  } else if (bias != nullptr) {
    v = hn::Add(v, hn::LoadU(d, bias));
  }
  hn::StoreU(v, d, row);
}

// The differences from the mean wait in y.
void LayerNormRows(ConstRows x, const float* weight, const float* bias,
                   float epsilon, Rows y, int64_t begin, int64_t end) {
  const float width = static_cast<float>(x.width);
  const auto at = [](const float* values, int64_t i) {
    return values == nullptr ? nullptr : values + i;
  };
  for (int64_t m = begin; m < end; ++m) {
    const float* from = x.row(m);
    float* to = y.row(m);
    const float mean = Sum(from, x.width) / width;
    int64_t i = 0;
    for (; i + kLanes <= x.width; i += kLanes) {
      ShiftLanes(FloatTag(), from + i, mean, to + i);
    }
    for (; i < x.width; ++i) ShiftLanes(OneTag(), from + i, mean, to + i);
    const float variance = SumOfSquares(to, x.width) / width;
    const float scale = 1.0f / __builtin_sqrtf(variance + epsilon);
    i = 0;
    for (; i + kLanes <= x.width; i += kLanes) {
      ScaleAndShiftLanes(FloatTag(), scale, at(weight, i), at(bias, i), to + i);
    }
    for (; i < x.width; ++i) {
      ScaleAndShiftLanes(OneTag(), scale, at(weight, i), at(bias, i), to + i);
    }
  }
}

}  // namespace
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(RmsNormRows);
HWY_EXPORT(LayerNormRows);

void RmsNorm(ConstRows x, const float* weight, float epsilon, Rows y,
             ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(RmsNormRows)(x, weight, epsilon, y, begin, end);
  });
}

void LayerNorm(ConstRows x, const float* weight, const float* bias,
               float epsilon, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(LayerNormRows)
    (x, weight, bias, epsilon, y, begin, end);
  });
}

}  // namespace braid
#endif  // HWY_ONCE
