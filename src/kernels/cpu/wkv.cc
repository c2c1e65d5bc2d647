#include "kernels/wkv.h"

#include "kernels/row_tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/wkv.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/element_functions.h"

#ifndef BRAID_SRC_KERNELS_CPU_WKV_ONCE
#define BRAID_SRC_KERNELS_CPU_WKV_ONCE
namespace braid {
namespace {

struct Wkv {
  const WkvShape& shape;
  const WkvInputs& in;
  const float* first;  // null: RWKV-7
  ConstRows removal;
  ConstRows rate;
  Rows y;
};

}  // namespace
}  // namespace braid
#endif

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
namespace {

// Registers of values that walk the keys together: the sums are chains.
constexpr int kColumnsAtOnce = 4;

// A row of one head: pointers to its first channel.
struct HeadRow {
  const float* r;
  const float* k;
  const float* w;
  const float* first;
  const float* kappa;
  const float* rate;
};

// `state`: the columns' values of key 0; those of the next key 16 floats on.
template <int kColumns>
HWY_INLINE void StepRwkv6(int size, const HeadRow& in, const FloatVec* v,
                          float* const* state, FloatVec* y) {
  const FloatTag d;
  for (int i = 0; i < size; ++i) {
    const FloatVec r = hn::Set(d, in.r[i]);
    const FloatVec k = hn::Set(d, in.k[i]);
    const FloatVec w = hn::Set(d, in.w[i]);
    const FloatVec first = hn::Set(d, in.first[i]);
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      const FloatVec s = hn::LoadU(d, state[j] + i * 16);
      const FloatVec kv = hn::Mul(k, v[j]);
      y[j] = hn::MulAdd(r, hn::MulAdd(first, kv, s), y[j]);
      hn::StoreU(hn::MulAdd(w, s, kv), d, state[j] + i * 16);
    }
  }
}

template <int kColumns>
HWY_INLINE void StepRwkv7(int size, const HeadRow& in, const FloatVec* v,
                          float* const* state, FloatVec* y) {
  const FloatTag d;
  FloatVec removed[kColumns];
  BRAID_UNROLL
  for (int j = 0; j < kColumns; ++j) removed[j] = hn::Zero(d);
  for (int i = 0; i < size; ++i) {
    const FloatVec kappa = hn::Set(d, in.kappa[i]);
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      const FloatVec s = hn::LoadU(d, state[j] + i * 16);
      removed[j] = hn::MulAdd(kappa, s, removed[j]);
    }
  }
  for (int i = 0; i < size; ++i) {
    const FloatVec r = hn::Set(d, in.r[i]);
    const FloatVec k = hn::Set(d, in.k[i]);
    const FloatVec w = hn::Set(d, in.w[i]);
    const FloatVec share = hn::Set(d, in.kappa[i] * in.rate[i]);
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      const FloatVec change =
          hn::NegMulAdd(removed[j], share, hn::Mul(k, v[j]));
      const FloatVec s = hn::MulAdd(w, hn::LoadU(d, state[j] + i * 16), change);
      y[j] = hn::MulAdd(r, s, y[j]);
      hn::StoreU(s, d, state[j] + i * 16);
    }
  }
}

// Rows [begin, end) of the value columns [column, column + kColumns) of a head.
template <int kColumns, bool kFull>
HWY_INLINE void WalkColumns(const Wkv& op, int64_t begin, int64_t end,
                            int64_t head, int64_t column, float* head_state) {
  const FloatTag d;
  const int size = op.shape.head_size;
  const int64_t channel = head * size;
  const int64_t value = channel + column * kLanes;
  const auto there = hn::FirstN(d, static_cast<size_t>(size - column * kLanes));
  float* state[kColumns];
  BRAID_UNROLL
  for (int j = 0; j < kColumns; ++j) {
    const int64_t c = column + j;
    state[j] = head_state + c / kParts * size * 16 + c % kParts * kLanes;
  }
  for (int64_t t = begin; t < end; ++t) {
    HeadRow row = {op.in.receptance.row(t) + channel,
                   op.in.key.row(t) + channel,
                   op.in.decay.row(t) + channel,
                   nullptr,
                   nullptr,
                   nullptr};
    FloatVec v[kColumns];
    FloatVec y[kColumns];
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      const float* from = op.in.value.row(t) + value + j * kLanes;
      v[j] = kFull ? hn::LoadU(d, from) : hn::MaskedLoad(there, d, from);
      y[j] = hn::Zero(d);
    }
    if (op.first != nullptr) {
      row.first = op.first + channel;
      StepRwkv6<kColumns>(size, row, v, state, y);
    } else {
      row.kappa = op.removal.row(t) + channel;
      row.rate = op.rate.row(t) + channel;
      StepRwkv7<kColumns>(size, row, v, state, y);
    }
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      float* to = op.y.row(t) + value + j * kLanes;
      if (kFull) {
        hn::StoreU(y[j], d, to);
      } else {
        hn::BlendedStore(y[j], there, d, to);
      }
    }
  }
}

void WalkHeads(const Wkv& op, const StateRun& run, int64_t first_head,
               int64_t last_head) {
  const int64_t floats = op.shape.HeadFloats();
  const int64_t full = op.shape.head_size / kLanes;
  const int64_t end = int64_t{run.begin} + run.length;
  for (int64_t head = first_head; head < last_head; ++head) {
    float* state = run.destination + head * floats;
    if (run.source != run.destination) {
      const float* source =
          run.source == nullptr ? nullptr : run.source + head * floats;
      for (int64_t i = 0; i < floats; ++i) {
        state[i] = source == nullptr ? 0.0f : source[i];
      }
    }
    int64_t column = 0;
    for (; column + kColumnsAtOnce <= full; column += kColumnsAtOnce) {
      WalkColumns<kColumnsAtOnce, true>(op, run.begin, end, head, column,
                                        state);
    }
    for (; column * kLanes < op.shape.head_size; ++column) {
      if (column < full) {
        WalkColumns<1, true>(op, run.begin, end, head, column, state);
      } else {
        WalkColumns<1, false>(op, run.begin, end, head, column, state);
      }
    }
  }
}

HWY_INLINE Lanes16 LoadUpTo16(const float* from, int64_t count) {
  return count >= 16 ? Load16(from)
                     : LoadFirst16(from, static_cast<int>(count));
}

void BonusRows(const WkvShape& shape, const WkvInputs& in, const float* weight,
               Rows y, int64_t begin, int64_t end) {
  const int64_t size = shape.head_size;
  for (int64_t t = begin; t < end; ++t) {
    for (int64_t channel = 0; channel < shape.channels(); channel += size) {
      const float* r = in.receptance.row(t) + channel;
      const float* k = in.key.row(t) + channel;
      const float* v = in.value.row(t) + channel;
      float* to = y.row(t) + channel;
      Lanes16 lanes = Zero16();
      for (int64_t i = 0; i < size; i += 16) {
        const Lanes16 rk =
            Mul16(LoadUpTo16(r + i, size - i), LoadUpTo16(k + i, size - i));
        lanes = MulAdd16(rk, LoadUpTo16(weight + channel + i, size - i), lanes);
      }
      const float sum = Sum16(lanes);
      int64_t i = 0;
      for (; i + kLanes <= size; i += kLanes) {
        const FloatTag d;
        hn::StoreU(hn::MulAdd(hn::Set(d, sum), hn::LoadU(d, v + i),
                              hn::LoadU(d, to + i)),
                   d, to + i);
      }
      for (; i < size; ++i) {
        const OneTag d;
        hn::StoreU(hn::MulAdd(hn::Set(d, sum), hn::LoadU(d, v + i),
                              hn::LoadU(d, to + i)),
                   d, to + i);
      }
    }
  }
}

template <class D>
HWY_INLINE void DecayLanes(D d, const float* from, bool rwkv7, float* to) {
  const auto x = hn::LoadU(d, from);
  const auto exponent =
      rwkv7 ? hn::Mul(hn::Set(d, kWkv7DecayScale), Sigmoid(d, x))
            : hn::Neg(Exp(d, x));
  hn::StoreU(Exp(d, exponent), d, to);
}

void DecayRows(ConstRows x, bool rwkv7, Rows y, int64_t begin, int64_t end) {
  for (int64_t m = begin; m < end; ++m) {
    const float* from = x.row(m);
    float* to = y.row(m);
    int64_t i = 0;
    for (; i + kLanes <= y.width; i += kLanes) {
      DecayLanes(FloatTag(), from + i, rwkv7, to + i);
    }
    for (; i < y.width; ++i) DecayLanes(OneTag(), from + i, rwkv7, to + i);
  }
}

}  // namespace
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(WalkHeads);
HWY_EXPORT(BonusRows);
HWY_EXPORT(DecayRows);

namespace {

void Walk(const Wkv& op, std::span<const StateRun> runs, ThreadPool& threads) {
  if (runs.empty()) return;
  ForRunBlocks(static_cast<int64_t>(runs.size()), op.y.rows, op.shape.heads,
               op.shape.HeadFloats(), threads,
               [&](int64_t first_run, int64_t last_run, int64_t first_head,
                   int64_t last_head) {
                 for (int64_t i = first_run; i < last_run; ++i) {
                   HWY_DYNAMIC_DISPATCH(WalkHeads)
                   (op, runs[i], first_head, last_head);
                 }
               });
}

void MapDecay(ConstRows x, bool rwkv7, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(DecayRows)(x, rwkv7, y, begin, end);
  });
}

}  // namespace

void Wkv6(const WkvShape& shape, std::span<const StateRun> runs,
          const WkvInputs& inputs, const float* first, Rows y,
          ThreadPool& threads) {
  Walk({shape, inputs, first, {}, {}, y}, runs, threads);
}

void Wkv7(const WkvShape& shape, std::span<const StateRun> runs,
          const WkvInputs& inputs, ConstRows removal, ConstRows rate, Rows y,
          ThreadPool& threads) {
  Walk({shape, inputs, nullptr, removal, rate, y}, runs, threads);
}

void Wkv7AddBonus(const WkvShape& shape, const WkvInputs& inputs,
                  const float* weight, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(BonusRows)(shape, inputs, weight, y, begin, end);
  });
}

void Wkv6Decay(ConstRows x, Rows y, ThreadPool& threads) {
  MapDecay(x, false, y, threads);
}

void Wkv7Decay(ConstRows x, Rows y, ThreadPool& threads) {
  MapDecay(x, true, y, threads);
}

}  // namespace braid
#endif  // HWY_ONCE
