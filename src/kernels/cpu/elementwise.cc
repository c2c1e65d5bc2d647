#include "kernels/elementwise.h"

#include "kernels/row_tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/elementwise.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/element_functions.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
namespace {

// Calls at(tag, i) for every i of a row, a register or a single lane at once.
template <class At>
HWY_INLINE void ForLanes(int64_t width, const At& at) {
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) at(FloatTag(), i);
  for (; i < width; ++i) at(OneTag(), i);
}

void AddRows(ConstRows a, ConstRows b, Rows y, int64_t begin, int64_t end) {
  for (int64_t m = begin; m < end; ++m) {
    const float* from_a = a.row(m);
    const float* from_b = b.row(m);
    float* to = y.row(m);
    ForLanes(y.width, [=](auto d, int64_t i) HWY_ATTR {
      hn::StoreU(hn::Add(hn::LoadU(d, from_a + i), hn::LoadU(d, from_b + i)), d,
                 to + i);
    });
  }
}

// y = function(tag, x), times `value` if it has data.
template <class Function>
HWY_INLINE void MapRows(ConstRows x, ConstRows value, Rows y, int64_t begin,
                        int64_t end, const Function& function) {
  for (int64_t m = begin; m < end; ++m) {
    const float* from = x.row(m);
    const float* factor = value.data == nullptr ? nullptr : value.row(m);
    float* to = y.row(m);
    ForLanes(y.width, [=](auto d, int64_t i) HWY_ATTR {
      auto v = function(d, hn::LoadU(d, from + i));
      if (factor != nullptr) v = hn::Mul(v, hn::LoadU(d, factor + i));
      hn::StoreU(v, d, to + i);
    });
  }
}

void ActivateRows(Nonlinearity f, ConstRows x, ConstRows value, Rows y,
                  int64_t begin, int64_t end) {
  const auto map = [&](const auto& function)
                       HWY_ATTR { MapRows(x, value, y, begin, end, function); };
  switch (f) {
    case Nonlinearity::kSilu:
      return map([](auto d, auto v) HWY_ATTR { return Silu(d, v); });
    case Nonlinearity::kSigmoid:
      return map([](auto d, auto v) HWY_ATTR { return Sigmoid(d, v); });
    case Nonlinearity::kTanh:
      return map([](auto d, auto v) HWY_ATTR { return Tanh(d, v); });
    case Nonlinearity::kGeluErf:
      return map([](auto d, auto v) HWY_ATTR { return GeluErf(d, v); });
    case Nonlinearity::kGeluTanh:
      return map([](auto d, auto v) HWY_ATTR { return GeluTanh(d, v); });
    case Nonlinearity::kGeluQuick:
      return map([](auto d, auto v) HWY_ATTR { return GeluQuick(d, v); });
    case Nonlinearity::kRelu:
      return map([](auto d, auto v) HWY_ATTR { return Relu(d, v); });
    case Nonlinearity::kReluSquared:
      return map([](auto d, auto v) HWY_ATTR {
        const auto r = Relu(d, v);
        return hn::Mul(r, r);
      });
  }
}

void ScaleRows(ConstRows x, float factor, Rows y, int64_t begin, int64_t end) {
  MapRows(x, {}, y, begin, end, [factor](auto d, auto v) HWY_ATTR {
    return hn::Mul(v, hn::Set(d, factor));
  });
}

void SoftCapRows(ConstRows x, float cap, Rows y, int64_t begin, int64_t end) {
  MapRows(x, {}, y, begin, end, [cap](auto d, auto v) HWY_ATTR {
    const auto largest = hn::Set(d, cap);
    return hn::Mul(largest, Tanh(d, hn::Div(v, largest)));
  });
}

void SoftplusRows(ConstRows x, const float* bias, Rows y, int64_t begin,
                  int64_t end) {
  for (int64_t m = begin; m < end; ++m) {
    const float* from = x.row(m);
    float* to = y.row(m);
    ForLanes(y.width, [=](auto d, int64_t i) HWY_ATTR {
      auto v = hn::LoadU(d, from + i);
      if (bias != nullptr) v = hn::Add(v, hn::LoadU(d, bias + i));
      hn::StoreU(Softplus(d, v), d, to + i);
    });
  }
}

void ExpRows(ConstRows x, Rows y, int64_t begin, int64_t end) {
  for (int64_t m = begin; m < end; ++m) {
    const float* from = x.row(m);
    float* to = y.row(m);
    ForLanes(y.width, [=](auto d, int64_t i) HWY_ATTR {
      hn::StoreU(Exp(d, hn::LoadU(d, from + i)), d, to + i);
    });
  }
}

// The largest of a row; its order does not matter.
HWY_INLINE float Maximum(const float* row, int64_t width) {
  const FloatTag d;
  FloatVec lanes = hn::Set(d, -kInfinity);
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    lanes = Larger(lanes, hn::LoadU(d, row + i));
  }
  float maximum = hn::GetLane(hn::MaxOfLanes(d, lanes));
  for (; i < width; ++i) {
    if (row[i] > maximum) maximum = row[i];
  }
  return maximum;
}

// to[i] = exp(from[i] - maximum); returns the sum by virtual lanes.
HWY_INLINE float ExpAndSum(const float* from, int64_t width, float maximum,
                           float* to) {
  const FloatTag d;
  const FloatVec shift = hn::Set(d, maximum);
  Lanes16 sum = Zero16();
  for (int64_t i = 0; i < width; i += kReductionLanes) {
    const int64_t left = width - i;
    const bool full = left >= kReductionLanes;
    const int count = static_cast<int>(full ? kReductionLanes : left);
    Lanes16 e = full ? Load16(from + i) : LoadFirst16(from + i, count);
    BRAID_UNROLL
    for (int part = 0; part < kParts; ++part) {
      e.part[part] = Exp(d, hn::Sub(e.part[part], shift));
    }
    if (full) {
      Store16(e, to + i);
    } else {
      StoreFirst16(e, to + i, count);
      e = LoadFirst16(to + i, count);  // the other lanes add +0
    }
    sum = Add16(sum, e);
  }
  return Sum16(sum);
}

void SoftmaxRows(ConstRows x, Rows y, int64_t begin, int64_t end) {
  for (int64_t m = begin; m < end; ++m) {
    float* to = y.row(m);
    const float maximum = Maximum(x.row(m), y.width);
    const float sum = ExpAndSum(x.row(m), y.width, maximum, to);
    ForLanes(y.width, [=](auto d, int64_t i) HWY_ATTR {
      hn::StoreU(hn::Div(hn::LoadU(d, to + i), hn::Set(d, sum)), d, to + i);
    });
  }
}

}  // namespace
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(AddRows);
HWY_EXPORT(ScaleRows);
HWY_EXPORT(SoftCapRows);
HWY_EXPORT(ActivateRows);
HWY_EXPORT(SoftplusRows);
HWY_EXPORT(ExpRows);
HWY_EXPORT(SoftmaxRows);

void Add(ConstRows a, ConstRows b, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(AddRows)(a, b, y, begin, end);
  });
}

void Scale(ConstRows x, float factor, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(ScaleRows)(x, factor, y, begin, end);
  });
}

void SoftCap(ConstRows x, float cap, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(SoftCapRows)(x, cap, y, begin, end);
  });
}

void Activate(Nonlinearity f, ConstRows x, Rows y, ThreadPool& threads) {
  ActivateMul(f, x, {}, y, threads);
}

void ActivateMul(Nonlinearity f, ConstRows gate, ConstRows value, Rows y,
                 ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(ActivateRows)(f, gate, value, y, begin, end);
  });
}

void Softplus(ConstRows x, const float* bias, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(SoftplusRows)(x, bias, y, begin, end);
  });
}

void Exp(ConstRows x, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(ExpRows)(x, y, begin, end);
  });
}

void Softmax(ConstRows x, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(SoftmaxRows)(x, y, begin, end);
  });
}

}  // namespace braid
#endif  // HWY_ONCE
