// The many-row kernel: a stretch of the weights of a few groups is decoded
// into a panel of floats that stays in the L1 cache, and tiles of rows are
// multiplied with it. Read once per vector target.
#include "kernels/cpu/matmul_codecs.h"
#include "kernels/cpu/matmul_kernels.h"

#if defined(BRAID_SRC_KERNELS_CPU_MATMUL_MANY_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BRAID_SRC_KERNELS_CPU_MATMUL_MANY_H_
#undef BRAID_SRC_KERNELS_CPU_MATMUL_MANY_H_
#else
#define BRAID_SRC_KERNELS_CPU_MATMUL_MANY_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3
// 24 accumulators of 32 registers; the panel takes 24 KB.
inline constexpr int kTileRows = 8;
inline constexpr int kTileGroups = 3;
inline constexpr int kDepth = 128;
#else
// 12 accumulators of 16 registers; the panel takes 12 KB.
inline constexpr int kTileRows = 6;
inline constexpr int kTileGroups = 1;
inline constexpr int kDepth = 192;
#endif

// A stretch of weights as floats. Vectors are 16 outputs wide.
struct Panel {
  const float* weights;  // group g, input k at g * group_stride + k * 16
  size_t group_stride;
  const float* scales;   // [block][group][16]
  const float* offsets;  // the same
  size_t inputs;
};

// Rows of x that meet the panel, and where the outputs go.
struct TileRows {
  const float* x;     // [panel inputs][rows]
  const float* sums;  // [panel blocks][rows]
  float* acc;         // [rows][groups * 16], continued from panel to panel
  bool first;         // `acc` is not yet written
  float* y;           // where the last panel's results go, or null: to `acc`
  int64_t y_stride;
};

template <int kRows, int kGroups>
struct Tile {
  static constexpr int kVectors = kGroups * kParts;
  static constexpr int kColumns = kGroups * kGroupOutputs;
  using Sums = FloatVec[kRows][kVectors];

  const Panel& panel;
  const TileRows& rows;

  HWY_INLINE float* Acc(int r, int v) const {
    return rows.acc + r * kColumns + v * kLanes;
  }

  HWY_INLINE float* Destination(bool last, int r, int v) const {
    return last && rows.y != nullptr ? rows.y + r * rows.y_stride + v * kLanes
                                     : Acc(r, v);
  }

  HWY_INLINE void PrefetchDestination() const {
    if (rows.y == nullptr) return;
    BRAID_UNROLL
    for (int r = 0; r < kRows; ++r) {
      BRAID_UNROLL
      for (int g = 0; g < kGroups; ++g) {
        __builtin_prefetch(rows.y + r * rows.y_stride + g * kGroupOutputs, 1);
      }
    }
  }

  HWY_INLINE void OneInput(size_t k, Sums& in) const {
    FloatVec w[kVectors];
    BRAID_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      w[v] = hn::Load(FloatTag(),
                      panel.weights +
                          static_cast<size_t>(v / kParts) * panel.group_stride +
                          k * 16 + v % kParts * kLanes);
    }
    BRAID_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const FloatVec xr =
          hn::Set(FloatTag(), rows.x[k * kRows + static_cast<size_t>(r)]);
      BRAID_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        in[r][v] = hn::MulAdd(w[v], xr, in[r][v]);
      }
    }
  }

  // Formats without scales.
  HWY_NOINLINE void RunPlain() const {
    PrefetchDestination();
    Sums in;
    BRAID_UNROLL
    for (int r = 0; r < kRows; ++r) {
      BRAID_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        in[r][v] =
            rows.first ? hn::Zero(FloatTag()) : hn::Load(FloatTag(), Acc(r, v));
      }
    }
    size_t k = 0;
    for (; k + 2 <= panel.inputs; k += 2) {
      OneInput(k, in);
      OneInput(k + 1, in);
    }
    if (k < panel.inputs) OneInput(k, in);
    BRAID_UNROLL
    for (int r = 0; r < kRows; ++r) {
      BRAID_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        hn::StoreU(in[r][v], FloatTag(), Destination(true, r, v));
      }
    }
  }

  template <bool kHasOffset>
  HWY_INLINE void Accumulate(size_t block, bool last, const Sums& in) const {
    BRAID_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const size_t at = block * kColumns + static_cast<size_t>(v * kLanes);
      const FloatVec scale = hn::Load(FloatTag(), panel.scales + at);
      FloatVec offset;
      if constexpr (kHasOffset) {
        offset = hn::Load(FloatTag(), panel.offsets + at);
      }
      BRAID_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const FloatVec acc = rows.first && block == 0
                                 ? hn::Zero(FloatTag())
                                 : hn::Load(FloatTag(), Acc(r, v));
        FloatVec value = hn::MulAdd(in[r][v], scale, acc);
        if constexpr (kHasOffset) {
          const FloatVec sum = hn::Set(
              FloatTag(), rows.sums[block * kRows + static_cast<size_t>(r)]);
          value = hn::MulAdd(offset, sum, value);
        }
        hn::StoreU(value, FloatTag(), Destination(last, r, v));
      }
    }
  }

  template <int kScaledInputs, bool kHasOffset>
  HWY_NOINLINE void RunScaled() const {
    PrefetchDestination();
    const size_t blocks = panel.inputs / kScaledInputs;
    for (size_t block = 0; block < blocks; ++block) {
      Sums in;
      BRAID_UNROLL
      for (int r = 0; r < kRows; ++r) {
        BRAID_UNROLL
        for (int v = 0; v < kVectors; ++v) in[r][v] = hn::Zero(FloatTag());
      }
      const size_t begin = block * kScaledInputs;
      for (size_t k = begin; k < begin + kScaledInputs; k += 2) {
        OneInput(k, in);
        OneInput(k + 1, in);
      }
      Accumulate<kHasOffset>(block, block + 1 == blocks, in);
    }
  }
};

// Decodes inputs [begin, begin + panel.inputs) of `groups` groups.
template <class Format>
HWY_NOINLINE void DecodePanel(const MatMulWeights& w, int64_t first_group,
                              int groups, size_t begin, const Panel& panel,
                              float* weights, float* scales, float* offsets) {
  using Layout = Packed<Format>;
  using Codec = KernelCodec<Format>;
  using Step = typename Codec::Step;
  const auto store8 = [](const Step& step, float* to) HWY_ATTR {
    hn::Store(step.template Get<0>(), FloatTag(), to);
    hn::Store(step.template Get<1>(), FloatTag(), to + 16);
    hn::Store(step.template Get<2>(), FloatTag(), to + 32);
    hn::Store(step.template Get<3>(), FloatTag(), to + 48);
    hn::Store(step.template Get<4>(), FloatTag(), to + 64);
    hn::Store(step.template Get<5>(), FloatTag(), to + 80);
    hn::Store(step.template Get<6>(), FloatTag(), to + 96);
    hn::Store(step.template Get<7>(), FloatTag(), to + 112);
  };
  for (int g = 0; g < groups; ++g) {
    const auto* units = reinterpret_cast<const typename Layout::Unit*>(
        w.groups + static_cast<size_t>(first_group + g) * w.group_bytes);
    float* group = weights + static_cast<size_t>(g) * panel.group_stride;
    for (int part = 0; part < kParts; ++part) {
      float* to = group + part * kLanes;
      size_t k = 0;
      for (; k + 8 <= panel.inputs; k += 8) {
        store8(Step(units, (begin + k) / 8, part), to + k * 16);
      }
      if constexpr (Layout::kScaledInputs == 0) {
        for (; k < panel.inputs; ++k) {
          hn::Store(Step(units + begin + k, 0, part).template Get<0>(),
                    FloatTag(), to + k * 16);
        }
      } else {
        for (size_t b = 0; b < panel.inputs / Layout::kScaledInputs; ++b) {
          const size_t block = begin / Layout::kScaledInputs + b;
          const size_t at =
              (b * static_cast<size_t>(groups) + static_cast<size_t>(g)) * 16 +
              static_cast<size_t>(part * kLanes);
          hn::Store(Codec::Scale(units, block, part), FloatTag(), scales + at);
          if constexpr (Layout::kHasOffset) {
            hn::Store(Codec::Offset(units, block, part), FloatTag(),
                      offsets + at);
          }
        }
      }
    }
  }
}

template <class Layout, int kRows, int kGroups>
HWY_INLINE void RunTile(const Panel& panel, const TileRows& rows) {
  const Tile<kRows, kGroups> tile = {panel, rows};
  if constexpr (Layout::kScaledInputs == 0) {
    tile.RunPlain();
  } else {
    tile.template RunScaled<Layout::kScaledInputs, Layout::kHasOffset>();
  }
}

template <class Layout, int kGroups>
HWY_INLINE void RunTile(int height, const Panel& panel, const TileRows& rows) {
  switch (height) {
    case 1:
      return RunTile<Layout, 1, kGroups>(panel, rows);
    case 2:
      return RunTile<Layout, 2, kGroups>(panel, rows);
    case 4:
      return RunTile<Layout, 4, kGroups>(panel, rows);
    default:
      return RunTile<Layout, kTileRows, kGroups>(panel, rows);
  }
}

// Scratch of one ManyRows call, in floats.
inline constexpr size_t kPanelFloats = kDepth * kTileGroups * 16;
inline constexpr size_t kScaleFloats = kPanelFloats / 16;

// All rows of kGroups groups.
template <class Format, int kGroups>
void ManyRowsStrip(const ManyRowsWork& work, int64_t first_group) {
  using Layout = Packed<Format>;
  constexpr int kColumns = kGroups * kGroupOutputs;
  float* const weights = work.scratch;
  float* const scales = weights + kPanelFloats;
  float* const offsets = scales + kScaleFloats;
  float* const acc = offsets + kScaleFloats;
  const size_t inputs = static_cast<size_t>(work.w.inputs);
  const int64_t column = first_group * kGroupOutputs;
  const bool ragged = work.w.outputs - column < kColumns;
  for (size_t begin = 0; begin < inputs; begin += kDepth) {
    const size_t left = inputs - begin;
    const bool last = left <= kDepth;
    Panel panel = {weights, kDepth * 16, scales, offsets, last ? left : kDepth};
    if constexpr (Format::kType == DType::kF32) {  // stored as it is needed
      panel.weights = reinterpret_cast<const float*>(
          work.w.groups +
          static_cast<size_t>(first_group) * work.w.group_bytes +
          begin * sizeof(float) * 16);
      panel.group_stride = work.w.group_bytes / sizeof(float);
    } else {
      DecodePanel<Format>(work.w, first_group, kGroups, begin, panel, weights,
                          scales, offsets);
    }
    for (int64_t row = 0; row < work.rows; row += kTileRows) {
      const int64_t rows_left = work.rows - row;
      const int valid =
          rows_left < kTileRows ? static_cast<int>(rows_left) : kTileRows;
      const int height = MatMulTileHeight(valid, kTileRows);
      const bool direct = last && !ragged && valid == height;
      const size_t row_offset = static_cast<size_t>(row);
      const TileRows rows = {
          work.x + row_offset * inputs + begin * static_cast<size_t>(height),
          work.sums == nullptr ? nullptr
                               : work.sums + row_offset * (inputs / 32) +
                                     begin / 32 * static_cast<size_t>(height),
          acc + row * kColumns,
          begin == 0,
          direct ? work.y + row * work.y_stride + column : nullptr,
          work.y_stride};
      RunTile<Layout, kGroups>(height, panel, rows);
      if (!last || direct) continue;
      const int64_t valid_columns = ragged ? work.w.outputs - column : kColumns;
      for (int r = 0; r < valid; ++r) {
        __builtin_memcpy(work.y + (row + r) * work.y_stride + column,
                         acc + (row + r) * kColumns,
                         static_cast<size_t>(valid_columns) * sizeof(float));
      }
    }
  }
}

template <class Format, int kGroups>
HWY_INLINE void ManyRowsRange(const ManyRowsWork& work, int64_t begin) {
  const int64_t groups = (work.w.outputs + kGroupOutputs - 1) / kGroupOutputs;
  for (; begin + kGroups <= groups; begin += kGroups) {
    ManyRowsStrip<Format, kGroups>(work, begin);
  }
  if constexpr (kGroups > 1) {
    ManyRowsRange<Format, kGroups - 1>(work, begin);
  }
}

}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BRAID_SRC_KERNELS_CPU_MATMUL_MANY_H_
