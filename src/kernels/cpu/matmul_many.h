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

// A tile fetches this much of every group of the next panel.
inline constexpr ptrdiff_t kFetchBytes = kDepth / 2 * 64;

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
  // Stored weights to fetch meanwhile: of every group, `group_bytes` apart, the
  // cache lines from `next` to `next_end` (of the first group); null: none.
  const std::byte* next;
  const std::byte* next_end;
  size_t group_bytes;
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

  // Two inputs, and one cache line of every group for the next panel.
  HWY_INLINE void TwoInputs(size_t k, const std::byte*& next, Sums& in) const {
    if (next < rows.next_end) {
      BRAID_UNROLL
      for (int g = 0; g < kGroups; ++g) {
        __builtin_prefetch(next + static_cast<size_t>(g) * rows.group_bytes);
      }
      next += 64;
    }
    OneInput(k, in);
    OneInput(k + 1, in);
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
    const std::byte* next = rows.next;
    size_t k = 0;
    for (; k + 2 <= panel.inputs; k += 2) TwoInputs(k, next, in);
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
    const std::byte* next = rows.next;
    for (size_t block = 0; block < blocks; ++block) {
      Sums in;
      BRAID_UNROLL
      for (int r = 0; r < kRows; ++r) {
        BRAID_UNROLL
        for (int v = 0; v < kVectors; ++v) in[r][v] = hn::Zero(FloatTag());
      }
      const size_t begin = block * kScaledInputs;
      for (size_t k = begin; k < begin + kScaledInputs; k += 2) {
        TwoInputs(k, next, in);
      }
      Accumulate<kHasOffset>(block, block + 1 == blocks, in);
    }
  }
};

// Decodes codes i and later of a word, or the spare ones, to `to`, [codes][16].
template <int i, class Step>
HWY_INLINE void StoreWord(const Step& step, int word, float* to) {
  hn::Store(step.template Get<i>(word), FloatTag(), to + i * 16);
  if constexpr (i + 1 < Step::kPerWord) StoreWord<i + 1>(step, word, to);
}
template <int i, class Step>
HWY_INLINE void StoreSpare(const Step& step, float* to) {
  hn::Store(step.template Spare<i>(), FloatTag(), to + i * 16);
  if constexpr (i + 1 < Step::kSpare) StoreSpare<i + 1>(step, to);
}

// All codes of a step.
template <class Step>
HWY_INLINE void StoreStep(const Step& step, float* to) {
  for (int word = 0; word < Step::kWords; ++word) {
    StoreWord<0>(step, word, to + word * Step::kPerWord * 16);
  }
  if constexpr (Step::kSpare > 0) {
    StoreSpare<0>(step, to + Step::kWords * Step::kPerWord * 16);
  }
}

// Decodes inputs [begin, begin + panel.inputs) of `groups` groups.
template <class Format>
HWY_NOINLINE void DecodePanel(const MatMulWeights& w, int64_t first_group,
                              int groups, size_t begin, const Panel& panel,
                              float* weights, float* scales, float* offsets) {
  using Layout = Packed<Format>;
  using Codec = KernelCodec<Format>;
  using Step = typename Codec::Step;
  for (int g = 0; g < groups; ++g) {
    const auto* units = reinterpret_cast<const typename Layout::Unit*>(
        w.groups + static_cast<size_t>(first_group + g) * w.group_bytes);
    float* group = weights + static_cast<size_t>(g) * panel.group_stride;
    for (int part = 0; part < kParts; ++part) {
      float* to = group + part * kLanes;
      size_t k = 0;
      for (; k + Step::kCodes <= panel.inputs; k += Step::kCodes) {
        StoreStep(Step(units, (begin + k) / Step::kCodes, part), to + k * 16);
      }
      if constexpr (Layout::kScaledInputs == 0) {
        for (; k < panel.inputs; ++k) {
          hn::Store(Step(units + begin + k, 0, part).template Get<0>(0),
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

// The stored weights of the first of a few groups that will be read next.
struct Stored {
  const std::byte* begin = nullptr;
  const std::byte* end = nullptr;
};

// All rows of kGroups groups.
template <class Format, int kGroups>
struct Strip {
  using Layout = Packed<Format>;
  static constexpr int kColumns = kGroups * kGroupOutputs;
  static constexpr size_t kSummedInputs =
      Layout::kHasOffset ? Layout::kScaledInputs : 1;

  const ManyRowsWork& work;
  int64_t first_group;
  const std::byte* stored;
  int64_t column;
  int64_t columns;  // fewer than kColumns if the last group is ragged
  float* acc;       // [rows][kColumns]

  HWY_INLINE Strip(const ManyRowsWork& of, int64_t group)
      : work(of),
        first_group(group),
        stored(of.w.groups + static_cast<size_t>(group) * of.w.group_bytes),
        column(group * kGroupOutputs),
        columns(of.w.outputs - column < kColumns ? of.w.outputs - column
                                                 : kColumns),
        acc(of.scratch + kPanelFloats + 2 * kScaleFloats) {}

  // Where the weights of inputs from `k` on lie, near enough for fetching.
  HWY_INLINE size_t StoredBytes(size_t k) const {
    return k * sizeof(typename Layout::Unit) / Layout::kUnitInputs;
  }

  // What is read after the panel of inputs [begin, end).
  HWY_INLINE Stored After(size_t end) const {
    const size_t inputs = static_cast<size_t>(work.w.inputs);
    if (end < inputs) {
      const size_t next = inputs - end < kDepth ? inputs : end + kDepth;
      return {stored + StoredBytes(end), stored + StoredBytes(next)};
    }
    if (column + 2 * kColumns > work.w.outputs) return {};
    const std::byte* strip = stored + kGroups * work.w.group_bytes;
    return {strip, strip + StoredBytes(inputs < kDepth ? inputs : kDepth)};
  }

  // The panel of inputs [begin, begin + count).
  HWY_INLINE Panel MakePanel(size_t begin, size_t count) const {
    float* const scales = work.scratch + kPanelFloats;
    float* const offsets = scales + kScaleFloats;
    if constexpr (Format::kType == DType::kF32) {  // stored as it is needed
      return {reinterpret_cast<const float*>(stored) + begin * 16,
              work.w.group_bytes / sizeof(float), nullptr, nullptr, count};
    } else {
      const Panel panel = {work.scratch, kDepth * 16, scales, offsets, count};
      DecodePanel<Format>(work.w, first_group, kGroups, begin, panel,
                          work.scratch, scales, offsets);
      return panel;
    }
  }

  HWY_INLINE void CopyOut(int64_t row, int valid) const {
    for (int r = 0; r < valid; ++r) {
      __builtin_memcpy(work.y + (row + r) * work.y_stride + column,
                       acc + (row + r) * kColumns,
                       static_cast<size_t>(columns) * sizeof(float));
    }
  }

  // Multiplies the panel that begins at input `begin` with all rows.
  void MultiplyRows(const Panel& panel, size_t begin) const {
    const size_t inputs = static_cast<size_t>(work.w.inputs);
    const bool last = begin + panel.inputs == inputs;
    Stored next = After(begin + panel.inputs);
    for (int64_t row = 0; row < work.rows; row += kTileRows) {
      const int64_t left = work.rows - row;
      const int valid = left < kTileRows ? static_cast<int>(left) : kTileRows;
      const int height = MatMulTileHeight(valid, kTileRows);
      const bool direct = last && columns == kColumns && valid == height;
      const size_t from = static_cast<size_t>(row);
      TileRows rows;
      rows.x = work.x + from * inputs + begin * static_cast<size_t>(height);
      rows.sums = work.sums == nullptr
                      ? nullptr
                      : work.sums + (from * inputs +
                                     begin * static_cast<size_t>(height)) /
                                        kSummedInputs;
      rows.acc = acc + row * kColumns;
      rows.first = begin == 0;
      rows.y = direct ? work.y + row * work.y_stride + column : nullptr;
      rows.y_stride = work.y_stride;
      rows.next = next.begin;
      rows.next_end = next.end;
      rows.group_bytes = work.w.group_bytes;
      RunTile<Layout, kGroups>(height, panel, rows);
      if (last && !direct) CopyOut(row, valid);
      const bool more = next.end - next.begin > kFetchBytes;
      next = more ? Stored{next.begin + kFetchBytes, next.end} : Stored{};
    }
  }

  void Run() const {
    const size_t inputs = static_cast<size_t>(work.w.inputs);
    for (size_t begin = 0; begin < inputs; begin += kDepth) {
      const size_t left = inputs - begin;
      MultiplyRows(MakePanel(begin, left < kDepth ? left : kDepth), begin);
    }
  }
};

template <class Format, int kGroups>
HWY_INLINE void ManyRowsRange(const ManyRowsWork& work, int64_t begin) {
  const int64_t groups = (work.w.outputs + kGroupOutputs - 1) / kGroupOutputs;
  for (; begin + kGroups <= groups; begin += kGroups) {
    Strip<Format, kGroups>(work, begin).Run();
  }
  if constexpr (kGroups > 1) {
    ManyRowsRange<Format, kGroups - 1>(work, begin);
  }
}

template <class Format>
void ManyRows(const ManyRowsWork& work) {
  ManyRowsRange<Format, kTileGroups>(work, 0);
}

}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BRAID_SRC_KERNELS_CPU_MATMUL_MANY_H_
