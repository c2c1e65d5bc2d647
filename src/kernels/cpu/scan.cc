#include "kernels/scan.h"

#include <algorithm>

#include "kernels/row_tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/scan.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/element_functions.h"

#ifndef BRAID_SRC_KERNELS_CPU_SCAN_ONCE
#define BRAID_SRC_KERNELS_CPU_SCAN_ONCE
namespace braid {
namespace {

struct Scan {
  const ScanWeights& weights;
  ConstRows x;
  ConstRows dt;
  ConstRows b;
  ConstRows c;
  Rows y;
};

// Rows that are walked for one group before the next group, so that the row's
// other groups are still in the cache: walking 512 rows of one group at a 6 KB
// stride took two and a half times as long.
constexpr int64_t kChunkRows = 32;

}  // namespace
}  // namespace braid
#endif

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
namespace {

// States that are kept in registers while a chunk is walked: those of the one
// state size in use, where there are 32 registers. 0: any number, in memory.
constexpr int kRegisterStates = kLanes == 16 ? 16 : 0;

// One register's channels of a group: `lanes` of them exist.
struct Column {
  int64_t channel;
  int64_t lanes;
  const float* decay;  // A log2(e), 16 floats from one state to the next
  float* state;        // h, likewise

  template <bool kFull>
  HWY_INLINE FloatVec Load(const float* row) const {
    const FloatTag d;
    if (kFull) return hn::LoadU(d, row + channel);
    return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(lanes)), d,
                          row + channel);
  }

  template <bool kFull>
  HWY_INLINE void Store(FloatVec v, float* row) const {
    const FloatTag d;
    if (kFull) {
      hn::StoreU(v, d, row + channel);
    } else {
      hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(lanes)), d,
                       row + channel);
    }
  }
};

// Rows [begin, end) of one column. kStates = 0: states() of them, in memory.
template <int kStates, bool kFull>
HWY_INLINE void ScanColumn(const Scan& op, int64_t begin, int64_t end,
                           const Column& column) {
  const FloatTag d;
  const int states = kStates != 0 ? kStates : op.weights.states();
  FloatVec h[kStates != 0 ? kStates : 1];
  BRAID_UNROLL
  for (int n = 0; n < kStates; ++n) {
    h[n] = hn::LoadU(d, column.state + n * kScanGroup);
  }
  const FloatVec skip = column.Load<kFull>(op.weights.d());
  for (int64_t t = begin; t < end; ++t) {
    const FloatVec x = column.Load<kFull>(op.x.row(t));
    const FloatVec dt = column.Load<kFull>(op.dt.row(t));
    const FloatVec dx = hn::Mul(dt, x);
    const float* b = op.b.row(t);
    const float* c = op.c.row(t);
    FloatVec y = hn::Zero(d);
    if (kStates != 0) {
      BRAID_UNROLL
      for (int n = 0; n < kStates; ++n) {
        const FloatVec decay =
            Decay(d, dt, hn::LoadU(d, column.decay + n * kScanGroup));
        h[n] = hn::MulAdd(decay, h[n], hn::Mul(dx, hn::Set(d, b[n])));
        y = hn::MulAdd(hn::Set(d, c[n]), h[n], y);
      }
    } else {
      for (int n = 0; n < states; ++n) {
        float* state = column.state + n * kScanGroup;
        const FloatVec decay =
            Decay(d, dt, hn::LoadU(d, column.decay + n * kScanGroup));
        const FloatVec next = hn::MulAdd(decay, hn::LoadU(d, state),
                                         hn::Mul(dx, hn::Set(d, b[n])));
        hn::StoreU(next, d, state);
        y = hn::MulAdd(hn::Set(d, c[n]), next, y);
      }
    }
    column.Store<kFull>(hn::MulAdd(skip, x, y), op.y.row(t));
  }
  BRAID_UNROLL
  for (int n = 0; n < kStates; ++n) {
    hn::StoreU(h[n], d, column.state + n * kScanGroup);
  }
}

void ScanGroup(const Scan& op, int64_t begin, int64_t end, int64_t group,
               float* state) {
  const int64_t floats = int64_t{op.weights.states()} * kScanGroup;
  for (int64_t part = 0; part < kScanGroup; part += kLanes) {
    Column column;
    column.channel = group * kScanGroup + part;
    column.lanes =
        std::clamp<int64_t>(op.weights.channels() - column.channel, 0, kLanes);
    column.decay = op.weights.a() + group * floats + part;
    column.state = state + group * floats + part;
    if (column.lanes < kLanes) {
      ScanColumn<0, false>(op, begin, end, column);
    } else if (op.weights.states() == kRegisterStates) {
      ScanColumn<kRegisterStates, true>(op, begin, end, column);
    } else {
      ScanColumn<0, true>(op, begin, end, column);
    }
  }
}

void ScanRun(const Scan& op, const StateRun& run, int64_t first_group,
             int64_t last_group) {
  const int64_t floats = int64_t{op.weights.states()} * kScanGroup;
  if (run.source != run.destination) {
    for (int64_t i = first_group * floats; i < last_group * floats; ++i) {
      run.destination[i] = run.source == nullptr ? 0.0f : run.source[i];
    }
  }
  const int64_t run_end = int64_t{run.begin} + run.length;
  for (int64_t begin = run.begin; begin < run_end; begin += kChunkRows) {
    const int64_t end = std::min(run_end, begin + kChunkRows);
    for (int64_t group = first_group; group < last_group; ++group) {
      ScanGroup(op, begin, end, group, run.destination);
    }
  }
}

}  // namespace
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(ScanRun);

void SelectiveScan(const ScanWeights& weights, std::span<const StateRun> runs,
                   ConstRows x, ConstRows dt, ConstRows b, ConstRows c, Rows y,
                   ThreadPool& threads) {
  if (runs.empty()) return;
  const Scan op = {weights, x, dt, b, c, y};
  ForRunBlocks(static_cast<int64_t>(runs.size()), x.rows,
               (x.width + kScanGroup - 1) / kScanGroup,
               int64_t{kScanGroup} * weights.states(), threads,
               [&](int64_t first_run, int64_t last_run, int64_t first_group,
                   int64_t last_group) {
                 for (int64_t r = first_run; r < last_run; ++r) {
                   HWY_DYNAMIC_DISPATCH(ScanRun)
                   (op, runs[r], first_group, last_group);
                 }
               });
}

}  // namespace braid
#endif  // HWY_ONCE
