#include "kernels/mix.h"

#include "kernels/row_tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/mix.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/element_functions.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
namespace {

enum class Mixture { kProduct, kProductSum, kLerp };

template <Mixture kMixture, class D>
HWY_INLINE void MixLanes(D d, const float* a, const float* b, const float* c,
                         float* y) {
  const auto first = hn::LoadU(d, a);
  const auto second = hn::LoadU(d, b);
  if constexpr (kMixture == Mixture::kProduct) {
    hn::StoreU(hn::Mul(first, second), d, y);
  } else if constexpr (kMixture == Mixture::kProductSum) {
    hn::StoreU(hn::MulAdd(first, second, hn::LoadU(d, c)), d, y);
  } else {
    const auto step = hn::Sub(second, first);
    hn::StoreU(hn::MulAdd(hn::LoadU(d, c), step, first), d, y);
  }
}

template <Mixture kMixture>
void MixRows(ConstRows a, ConstRows b, ConstRows c, Rows y, int64_t begin,
             int64_t end) {
  for (int64_t m = begin; m < end; ++m) {
    const float* row_a = a.row(m);
    const float* row_b = b.row(m);
    const float* row_c = c.row(m);
    float* to = y.row(m);
    int64_t i = 0;
    for (; i + kLanes <= y.width; i += kLanes) {
      MixLanes<kMixture>(FloatTag(), row_a + i, row_b + i, row_c + i, to + i);
    }
    for (; i < y.width; ++i) {
      MixLanes<kMixture>(OneTag(), row_a + i, row_b + i, row_c + i, to + i);
    }
  }
}

void MultiplyRows(ConstRows a, ConstRows b, Rows y, int64_t begin,
                  int64_t end) {
  MixRows<Mixture::kProduct>(a, b, a, y, begin, end);
}

void MultiplyAddRows(ConstRows a, ConstRows b, ConstRows c, Rows y,
                     int64_t begin, int64_t end) {
  MixRows<Mixture::kProductSum>(a, b, c, y, begin, end);
}

void LerpRows(ConstRows a, ConstRows b, ConstRows t, Rows y, int64_t begin,
              int64_t end) {
  MixRows<Mixture::kLerp>(a, b, t, y, begin, end);
}

void ScaleEachRow(ConstRows x, ConstRows factors, Rows y, int64_t begin,
                  int64_t end) {
  for (int64_t m = begin; m < end; ++m) {
    const float factor = *factors.row(m);
    const float* from = x.row(m);
    float* to = y.row(m);
    int64_t i = 0;
    for (; i + kLanes <= y.width; i += kLanes) {
      const FloatTag d;
      hn::StoreU(hn::Mul(hn::LoadU(d, from + i), hn::Set(d, factor)), d,
                 to + i);
    }
    for (; i < y.width; ++i) to[i] = from[i] * factor;
  }
}

}  // namespace
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(MultiplyRows);
HWY_EXPORT(MultiplyAddRows);
HWY_EXPORT(LerpRows);
HWY_EXPORT(ScaleEachRow);

void Multiply(ConstRows a, ConstRows b, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(MultiplyRows)(a, b, y, begin, end);
  });
}

void MultiplyAdd(ConstRows a, ConstRows b, ConstRows c, Rows y,
                 ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(MultiplyAddRows)(a, b, c, y, begin, end);
  });
}

void ScaleRows(ConstRows x, ConstRows factors, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(ScaleEachRow)(x, factors, y, begin, end);
  });
}

void Lerp(ConstRows a, ConstRows b, ConstRows t, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(LerpRows)(a, b, t, y, begin, end);
  });
}

}  // namespace braid
#endif  // HWY_ONCE
