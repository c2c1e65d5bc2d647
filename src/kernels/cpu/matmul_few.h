// The few-row kernel: weights are decoded in registers and used for up to
// kFewRows rows at once. Read once per vector target.
#include "kernels/cpu/matmul_codecs.h"
#include "kernels/cpu/matmul_kernels.h"

#if defined(BRAID_SRC_KERNELS_CPU_MATMUL_FEW_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef BRAID_SRC_KERNELS_CPU_MATMUL_FEW_H_
#undef BRAID_SRC_KERNELS_CPU_MATMUL_FEW_H_
#else
#define BRAID_SRC_KERNELS_CPU_MATMUL_FEW_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {

// kRows rows by kGroups groups of outputs, all inputs.
template <class Format, int kRows, int kGroups>
struct FewRowsTile {
  using Layout = Packed<Format>;
  using Codec = KernelCodec<Format>;
  using Unit = typename Layout::Unit;
  using Step = typename Codec::Step;
  static constexpr int kVectors = kGroups * kParts;
  using Sums = FloatVec[kRows][kVectors];

  // How far ahead weights are asked for, in bytes. F32, and F16 at few rows,
  // are bound by memory: the hardware's own prefetcher does better there, and
  // more requests beside it cost up to a third.
  static constexpr bool kBoundByMemory =
      Layout::kScaledInputs == 0 && (kRows < 8 || sizeof(Unit) == 64);
  static constexpr size_t kFetchAhead = kBoundByMemory ? 0 : 2048;

  const std::byte* groups;
  size_t group_bytes;
  size_t inputs;
  const float* x;     // [inputs][kRows]
  const float* sums;  // [inputs / kScaledInputs][kRows]

  HWY_INLINE const Unit* Units(int v) const {
    return reinterpret_cast<const Unit*>(
        groups + static_cast<size_t>(v / kParts) * group_bytes);
  }

  static HWY_INLINE void Clear(Sums& in) {
    BRAID_UNROLL
    for (int r = 0; r < kRows; ++r) {
      BRAID_UNROLL
      for (int v = 0; v < kVectors; ++v) in[r][v] = hn::Zero(FloatTag());
    }
  }

  // in = fma(w, x, in) for codes i to kEnd - 1 of a word of each step, or of
  // the spare ones.
  template <int i, int kEnd, bool kSpare>
  static HWY_INLINE void MultiplyAdd(const Step* steps, int word,
                                     const float* step_x, Sums& in) {
    FloatVec w[kVectors];
    BRAID_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      if constexpr (kSpare) {
        w[v] = steps[v].template Spare<i>();
      } else {
        w[v] = steps[v].template Get<i>(word);
      }
    }
    BRAID_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const FloatVec xr = hn::Set(FloatTag(), step_x[i * kRows + r]);
      BRAID_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        in[r][v] = hn::MulAdd(w[v], xr, in[r][v]);
      }
    }
    if constexpr (i + 1 < kEnd) {
      MultiplyAdd<i + 1, kEnd, kSpare>(steps, word, step_x, in);
    }
  }

  // Asks for the weights kFetchAhead bytes further on, of every group; behind
  // the end of a group, for those of the groups that come next.
  HWY_INLINE void Fetch(size_t n) const {
    constexpr size_t kStepBytes =
        Step::kCodes * sizeof(Unit) / Layout::kUnitInputs;
    size_t at = n * kStepBytes + kFetchAhead;
    if (at >= group_bytes) at += (kGroups - 1) * group_bytes;
    const uintptr_t from = reinterpret_cast<uintptr_t>(groups) + at;
    BRAID_UNROLL
    for (size_t g = 0; g < kGroups; ++g) {
      BRAID_UNROLL
      for (size_t line = 0; line < kStepBytes; line += 64) {
        __builtin_prefetch(
            reinterpret_cast<const void*>(from + g * group_bytes + line), 0, 2);
      }
    }
  }

  // The inputs of step n.
  HWY_INLINE void OneStep(size_t n, Sums& in) const {
    if constexpr (kFetchAhead != 0) Fetch(n);
    Step steps[kVectors];
    BRAID_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      steps[v] = Step(Units(v), n, v % kParts);
    }
    const float* step_x = x + n * Step::kCodes * kRows;
    for (int word = 0; word < Step::kWords; ++word) {
      MultiplyAdd<0, Step::kPerWord, false>(steps, word, step_x, in);
      step_x += Step::kPerWord * kRows;
    }
    if constexpr (Step::kSpare > 0) {
      MultiplyAdd<0, Step::kSpare, true>(steps, 0, step_x, in);
    }
  }

  // One input of a format whose unit is one input.
  HWY_INLINE void OneInput(size_t k, Sums& in) const {
    Step steps[kVectors];
    BRAID_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      steps[v] = Step(Units(v) + k, 0, v % kParts);
    }
    MultiplyAdd<0, 1, false>(steps, 0, x + k * kRows, in);
  }

  // The block's inner sums enter the accumulators `acc`, [kRows][kVectors].
  HWY_INLINE void Accumulate(size_t block, const Sums& in, float* acc) const {
    BRAID_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const FloatVec scale = Codec::Scale(Units(v), block, v % kParts);
      FloatVec offset;
      if constexpr (Layout::kHasOffset) {
        offset = Codec::Offset(Units(v), block, v % kParts);
      }
      BRAID_UNROLL
      for (int r = 0; r < kRows; ++r) {
        float* at = acc + (r * kVectors + v) * kLanes;
        FloatVec value = hn::MulAdd(in[r][v], scale, hn::Load(FloatTag(), at));
        if constexpr (Layout::kHasOffset) {
          const FloatVec sum =
              hn::Set(FloatTag(), sums[block * kRows + static_cast<size_t>(r)]);
          value = hn::MulAdd(offset, sum, value);
        }
        hn::Store(value, FloatTag(), at);
      }
    }
  }

  // Writes the outputs to `acc`, [kRows][kGroups * 16].
  HWY_NOINLINE void Run(float* acc) const {
    Sums in;
    Clear(in);
    if constexpr (Layout::kScaledInputs == 0) {
      for (size_t n = 0; n < inputs / 8; ++n) OneStep(n, in);
      for (size_t k = inputs / 8 * 8; k < inputs; ++k) OneInput(k, in);
      BRAID_UNROLL
      for (int r = 0; r < kRows; ++r) {
        BRAID_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          hn::Store(in[r][v], FloatTag(), acc + (r * kVectors + v) * kLanes);
        }
      }
    } else {
      constexpr size_t kSteps = Layout::kScaledInputs / Step::kCodes;
      for (int i = 0; i < kRows * kVectors; ++i) {
        hn::Store(hn::Zero(FloatTag()), FloatTag(), acc + i * kLanes);
      }
      for (size_t block = 0; block < inputs / Layout::kScaledInputs; ++block) {
        Clear(in);
        for (size_t j = 0; j < kSteps; ++j) {
          OneStep(block * kSteps + j, in);
        }
        Accumulate(block, in, acc);
      }
    }
  }
};

// As many times kGroups groups as there are, then fewer at once.
template <class Format, int kRows, int kGroups>
HWY_INLINE void FewRowsRange(const FewRowsWork& work, int64_t begin) {
  constexpr int kColumns = kGroups * kGroupOutputs;
  const int64_t groups = (work.w.outputs + kGroupOutputs - 1) / kGroupOutputs;
  alignas(64) float acc[kRows * kColumns];
  for (; begin + kGroups <= groups; begin += kGroups) {
    const FewRowsTile<Format, kRows, kGroups> tile = {
        work.w.groups + static_cast<size_t>(begin) * work.w.group_bytes,
        work.w.group_bytes, static_cast<size_t>(work.w.inputs), work.x,
        work.sums};
    tile.Run(acc);
    const int64_t column = begin * kGroupOutputs;
    const int64_t left = work.w.outputs - column;
    const size_t columns =
        static_cast<size_t>(left < kColumns ? left : kColumns);
    for (int r = 0; r < work.rows; ++r) {
      __builtin_memcpy(work.y + r * work.y_stride + column, acc + r * kColumns,
                       columns * sizeof(float));
    }
  }
  if constexpr (kGroups > 1) {
    if (begin < groups) FewRowsRange<Format, kRows, kGroups / 2>(work, begin);
  }
}

// The most rows, and the groups at once of 1, 2, 4 and 8 rows.
#if HWY_TARGET == HWY_AVX3
inline constexpr int kFewRows = 8;
inline constexpr int kFewRowsGroups[] = {8, 4, 4, 2};
#else
// 8 rows leave no register for the weights: the many-row kernel is up to 1.5
// times as fast from 5 rows on.
inline constexpr int kFewRows = 4;
inline constexpr int kFewRowsGroups[] = {4, 2, 2};
#endif

// One row of plain floats is bound by memory, which many streams serve best;
// codes need the registers for their constants.
template <class Format>
inline constexpr int kOneRowGroups =
    Packed<Format>::kScaledInputs == 0 ? kFewRowsGroups[0]
                                       : kFewRowsGroups[0] / 2;

template <class Format>
void FewRows(const FewRowsWork& work) {
  switch (MatMulTileHeight(work.rows, kFewRows)) {
    case 1:
      return FewRowsRange<Format, 1, kOneRowGroups<Format>>(work, 0);
    case 2:
      return FewRowsRange<Format, 2, kFewRowsGroups[1]>(work, 0);
    case 4:
      return FewRowsRange<Format, 4, kFewRowsGroups[2]>(work, 0);
    default:
      if constexpr (kFewRows == 8) {
        FewRowsRange<Format, 8, kFewRowsGroups[3]>(work, 0);
      }
  }
}

}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BRAID_SRC_KERNELS_CPU_MATMUL_FEW_H_
