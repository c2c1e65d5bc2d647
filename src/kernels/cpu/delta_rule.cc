#include "kernels/delta_rule.h"

#include "kernels/row_tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/delta_rule.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/element_functions.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
namespace {

// Registers of values that walk the keys together: the sums are chains, and
// the tile of the state that they walk, key_dim * 4 registers, is to be in the
// first cache still when it is read a second time.
constexpr int kColumnsAtOnce = 4;

// A row of one head: pointers to its first channel.
struct HeadRow {
  const float* q;
  const float* k;
  const float* w;
  int64_t w_step;  // 0: one decay for all channels
  float rate;
};

// `state`: the columns' values of key 0; those of the next key 16 floats on.
// Reads values from v and leaves what the row reads in y.
template <int kColumns>
HWY_INLINE void StepRow(int keys, const HeadRow& in, const FloatVec* v,
                        float* const* state, FloatVec* y) {
  const FloatTag d;
  FloatVec change[kColumns];
  BRAID_UNROLL
  for (int j = 0; j < kColumns; ++j) change[j] = hn::Zero(d);
  for (int i = 0; i < keys; ++i) {
    const FloatVec kw = hn::Set(d, in.k[i] * in.w[i * in.w_step]);
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      change[j] = hn::MulAdd(kw, hn::LoadU(d, state[j] + i * 16), change[j]);
    }
  }
  const FloatVec rate = hn::Set(d, in.rate);
  BRAID_UNROLL
  for (int j = 0; j < kColumns; ++j) {
    change[j] = hn::Mul(rate, hn::Sub(v[j], change[j]));
    y[j] = hn::Zero(d);
  }
  for (int i = 0; i < keys; ++i) {
    const FloatVec q = hn::Set(d, in.q[i]);
    const FloatVec k = hn::Set(d, in.k[i]);
    const FloatVec w = hn::Set(d, in.w[i * in.w_step]);
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      const FloatVec s =
          hn::MulAdd(w, hn::LoadU(d, state[j] + i * 16), hn::Mul(k, change[j]));
      y[j] = hn::MulAdd(q, s, y[j]);
      hn::StoreU(s, d, state[j] + i * 16);
    }
  }
}

// Rows [begin, end) of the value columns [column, column + kColumns) of a head.
template <int kColumns, bool kFull>
HWY_INLINE void WalkColumns(const DeltaShape& shape, const DeltaInputs& in,
                            Rows out, int64_t begin, int64_t end, int64_t head,
                            int64_t column, float* head_state) {
  const FloatTag d;
  const bool per_channel = in.decay.width != shape.heads;
  const int64_t key = shape.KeyHead(head) * shape.key_dim;
  const int64_t value = head * shape.value_dim + column * kLanes;
  const auto there =
      hn::FirstN(d, static_cast<size_t>(shape.value_dim - column * kLanes));
  float* state[kColumns];
  BRAID_UNROLL
  for (int j = 0; j < kColumns; ++j) {
    const int64_t c = column + j;
    state[j] =
        head_state + c / kParts * shape.key_dim * 16 + c % kParts * kLanes;
  }
  for (int64_t t = begin; t < end; ++t) {
    const HeadRow row = {
        .q = in.query.row(t) + key,
        .k = in.key.row(t) + key,
        .w = in.decay.row(t) + (per_channel ? head * shape.key_dim : head),
        .w_step = per_channel ? 1 : 0,
        .rate = in.rate.row(t)[head]};
    FloatVec v[kColumns];
    FloatVec y[kColumns];
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      const float* from = in.value.row(t) + value + j * kLanes;
      v[j] = kFull ? hn::LoadU(d, from) : hn::MaskedLoad(there, d, from);
    }
    StepRow<kColumns>(shape.key_dim, row, v, state, y);
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      float* to = out.row(t) + value + j * kLanes;
      if (kFull) {
        hn::StoreU(y[j], d, to);
      } else {
        hn::BlendedStore(y[j], there, d, to);
      }
    }
  }
}

void WalkDeltaHeads(const DeltaShape& shape, const DeltaInputs& in, Rows y,
                    const StateRun& run, int64_t first_head,
                    int64_t last_head) {
  const int64_t floats = shape.HeadFloats();
  const int64_t full = shape.value_dim / kLanes;
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
      WalkColumns<kColumnsAtOnce, true>(shape, in, y, run.begin, end, head,
                                        column, state);
    }
    for (; column * kLanes < shape.value_dim; ++column) {
      if (column < full) {
        WalkColumns<1, true>(shape, in, y, run.begin, end, head, column, state);
      } else {
        WalkColumns<1, false>(shape, in, y, run.begin, end, head, column,
                              state);
      }
    }
  }
}

}  // namespace
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(WalkDeltaHeads);

void DeltaRule(const DeltaShape& shape, std::span<const StateRun> runs,
               const DeltaInputs& inputs, Rows y, ThreadPool& threads) {
  if (runs.empty()) return;
  ForRunBlocks(static_cast<int64_t>(runs.size()), y.rows, shape.heads,
               shape.HeadFloats(), threads,
               [&](int64_t first_run, int64_t last_run, int64_t first_head,
                   int64_t last_head) {
                 for (int64_t i = first_run; i < last_run; ++i) {
                   HWY_DYNAMIC_DISPATCH(WalkDeltaHeads)
                   (shape, inputs, y, runs[i], first_head, last_head);
                 }
               });
}

}  // namespace braid
#endif  // HWY_ONCE
