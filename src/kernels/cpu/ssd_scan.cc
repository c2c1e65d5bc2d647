#include "kernels/ssd_scan.h"

#include <algorithm>

#include "kernels/row_tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/ssd_scan.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/element_functions.h"

#ifndef BRAID_SRC_KERNELS_CPU_SSD_SCAN_ONCE
#define BRAID_SRC_KERNELS_CPU_SSD_SCAN_ONCE
namespace braid {
namespace {

struct Ssd {
  const SsdWeights& weights;
  ConstRows x;
  ConstRows dt;
  ConstRows b;
  ConstRows c;
  Rows y;
};

// Rows ahead that are fetched: a head's channels lie a whole row apart.
constexpr int64_t kPrefetchRows = 8;

}  // namespace
}  // namespace braid
#endif

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
namespace {

// A state is loaded and stored once for so many rows, in so many columns (one
// register's channels) at once: what the registers hold. A single row walks
// more columns instead, because its sums are chains.
constexpr int kRowsAtOnce = kLanes == 16 ? 4 : 2;
constexpr int kColumnsAtOnce = 2;
constexpr int kColumnsOfOneRow = 4;

// Where column `column` of a head's state begins; its N states are 16 floats
// apart.
HWY_INLINE int64_t ColumnOffset(int64_t column, int states) {
  return column / kParts * states * 16 + column % kParts * kLanes;
}

// `lanes` of a register are there, or all of them if kFull.
template <bool kFull>
HWY_INLINE FloatVec LoadLanes(const float* from, int64_t lanes) {
  const FloatTag d;
  if (kFull) return hn::LoadU(d, from);
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(lanes)), d, from);
}

template <bool kFull>
HWY_INLINE void StoreLanes(FloatVec v, float* to, int64_t lanes) {
  const FloatTag d;
  if (kFull) {
    hn::StoreU(v, d, to);
  } else {
    hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(lanes)), d, to);
  }
}

// Rows [begin, begin + kRows) of the columns [column, column + kColumns) of a
// head, whose state is at `state`.
template <int kRows, int kColumns, bool kFull>
HWY_INLINE void ScanTile(const Ssd& op, int64_t begin, int head, int64_t column,
                         float* state) {
  const FloatTag d;
  const SsdShape& shape = op.weights.shape();
  const int states = shape.states;
  const int64_t channel = int64_t{head} * shape.head_dim + column * kLanes;
  const int64_t lanes = shape.head_dim - column * kLanes;
  const int64_t first_state = int64_t{shape.group_of(head)} * states;
  const FloatVec a = hn::Set(d, op.weights.a()[head]);

  FloatVec decay[kRows];
  FloatVec dx[kRows][kColumns];
  FloatVec y[kRows][kColumns];
  const float* b[kRows];
  const float* c[kRows];
  BRAID_UNROLL
  for (int i = 0; i < kRows; ++i) {
    const FloatVec dt = hn::Set(d, op.dt.row(begin + i)[head]);
    const float* x = op.x.row(begin + i) + channel;
    decay[i] = Decay(d, dt, a);
    b[i] = op.b.row(begin + i) + first_state;
    c[i] = op.c.row(begin + i) + first_state;
    const int64_t ahead = std::min(begin + i + kPrefetchRows, op.x.rows - 1);
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      dx[i][j] = hn::Mul(dt, LoadLanes<kFull>(x + j * kLanes, lanes));
      y[i][j] = hn::Zero(d);
      if (kRows > 1) {
        __builtin_prefetch(op.x.row(ahead) + channel + j * kLanes);
        __builtin_prefetch(op.y.row(ahead) + channel + j * kLanes, 1);
      }
    }
  }

  float* from[kColumns];
  BRAID_UNROLL
  for (int j = 0; j < kColumns; ++j) {
    from[j] = state + ColumnOffset(column + j, states);
  }
  for (int n = 0; n < states; ++n) {
    FloatVec h[kColumns];
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) h[j] = hn::LoadU(d, from[j] + n * 16);
    BRAID_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const FloatVec b_n = hn::Set(d, b[i][n]);
      const FloatVec c_n = hn::Set(d, c[i][n]);
      BRAID_UNROLL
      for (int j = 0; j < kColumns; ++j) {
        h[j] = hn::MulAdd(decay[i], h[j], hn::Mul(dx[i][j], b_n));
        y[i][j] = hn::MulAdd(c_n, h[j], y[i][j]);
      }
    }
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) hn::StoreU(h[j], d, from[j] + n * 16);
  }

  const FloatVec skip = hn::Set(d, op.weights.d()[head]);
  BRAID_UNROLL
  for (int i = 0; i < kRows; ++i) {
    const float* x = op.x.row(begin + i) + channel;
    float* to = op.y.row(begin + i) + channel;
    BRAID_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      const FloatVec input = LoadLanes<kFull>(x + j * kLanes, lanes);
      StoreLanes<kFull>(hn::MulAdd(skip, input, y[i][j]), to + j * kLanes,
                        lanes);
    }
  }
}

template <int kColumns, bool kFull>
HWY_INLINE void ScanColumns(const Ssd& op, int64_t begin, int64_t end, int head,
                            int64_t column, float* state) {
  int64_t t = begin;
  for (; t + kRowsAtOnce <= end; t += kRowsAtOnce) {
    ScanTile<kRowsAtOnce, kColumns, kFull>(op, t, head, column, state);
  }
  for (; t < end; ++t) {
    ScanTile<1, kColumns, kFull>(op, t, head, column, state);
  }
}

void ScanHead(const Ssd& op, int64_t begin, int64_t end, int head,
              float* state) {
  const int64_t full = op.weights.shape().head_dim / kLanes;
  int64_t column = 0;
  if (end - begin == 1) {
    for (; column + kColumnsOfOneRow <= full; column += kColumnsOfOneRow) {
      ScanTile<1, kColumnsOfOneRow, true>(op, begin, head, column, state);
    }
  }
  for (; column + kColumnsAtOnce <= full; column += kColumnsAtOnce) {
    ScanColumns<kColumnsAtOnce, true>(op, begin, end, head, column, state);
  }
  for (; column * kLanes < op.weights.shape().head_dim; ++column) {
    if (column < full) {
      ScanColumns<1, true>(op, begin, end, head, column, state);
    } else {
      ScanColumns<1, false>(op, begin, end, head, column, state);
    }
  }
}

void ScanHeads(const Ssd& op, const StateRun& run, int64_t first_head,
               int64_t last_head) {
  const int64_t floats = op.weights.shape().HeadFloats();
  for (int64_t head = first_head; head < last_head; ++head) {
    float* state = run.destination + head * floats;
    if (run.source != run.destination) {
      const float* source =
          run.source == nullptr ? nullptr : run.source + head * floats;
      for (int64_t i = 0; i < floats; ++i) {
        state[i] = source == nullptr ? 0.0f : source[i];
      }
    }
    ScanHead(op, run.begin, int64_t{run.begin} + run.length,
             static_cast<int>(head), state);
  }
}

}  // namespace
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(ScanHeads);

void SsdScan(const SsdWeights& weights, std::span<const StateRun> runs,
             ConstRows x, ConstRows dt, ConstRows b, ConstRows c, Rows y,
             ThreadPool& threads) {
  if (runs.empty()) return;
  const Ssd op = {weights, x, dt, b, c, y};
  ForRunBlocks(static_cast<int64_t>(runs.size()), x.rows, weights.shape().heads,
               weights.shape().HeadFloats(), threads,
               [&](int64_t first_run, int64_t last_run, int64_t first_head,
                   int64_t last_head) {
                 for (int64_t r = first_run; r < last_run; ++r) {
                   HWY_DYNAMIC_DISPATCH(ScanHeads)
                   (op, runs[r], first_head, last_head);
                 }
               });
}

}  // namespace braid
#endif  // HWY_ONCE
