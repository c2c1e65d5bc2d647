// How the matrix product stores and computes with each weight format: the
// numeric definitions that every path and every vector target share, and the
// packed order of the weights.
//
// Numeric definitions. One accumulator per output starts at +0 and walks k in
// ascending order; fma rounds once. Weights enter as follows:
//
//   F32, F16, BF16   acc = fma(w, x, acc) for every k.
//   Q8_0, Q4_0       per block of 32: in = +0, in = fma(q, x, in) for its k,
//                    acc = fma(in, d, acc). q is the signed code.
//   Q4_1             the same with the unsigned code, then
//                    acc = fma(m, sum, acc).
//   Q4_K             per sub-block of 32 the same with the unsigned code,
//                    acc = fma(in, d * scale, acc), then
//                    acc = fma(-(dmin * min), sum, acc).
//   Q6_K             per sub-block of 16 with the signed code q - 32:
//                    acc = fma(in, d * scale, acc).
//
// `sum` is the plain in-order sum from +0 of the block's 32 inputs, made once
// per row. d * scale and dmin * min are exact in float32 (11 bits times at most
// 8). Infinities and NaNs behave as IEEE 754 says in all paths alike; only the
// payload and sign of a NaN may differ, because they depend on which operand
// an instruction prefers.
//
// Packed order. Outputs come in groups of 16, the lanes of a vector; a group
// is one contiguous array, k ascending. Blocks of 32 are stored in pairs, so
// that every vector of codes lies on a 64-byte boundary; of an odd number of
// blocks the last pair is half used.
#ifndef BRAID_SRC_KERNELS_MATMUL_FORMATS_H_
#define BRAID_SRC_KERNELS_MATMUL_FORMATS_H_

#include <cstddef>
#include <cstdint>

#include "tensor/formats.h"

namespace braid {

inline constexpr int kGroupOutputs = 16;

// Packed<Format>: `Unit`, the struct that a group is an array of; kUnitInputs,
// the inputs that it covers; kScaledInputs, the inputs that share one scale (0
// if there are none); kHasOffset, whether the sums of the inputs are needed.
template <class Format>
struct Packed;

template <>
struct Packed<FormatF32> {
  static constexpr int kUnitInputs = 1;
  static constexpr int kScaledInputs = 0;
  static constexpr bool kHasOffset = false;
  struct Unit {
    float value[16];
  };
};

struct Packed16Bits {
  static constexpr int kUnitInputs = 1;
  static constexpr int kScaledInputs = 0;
  static constexpr bool kHasOffset = false;
  struct Unit {
    uint16_t value[16];
  };
};
template <>
struct Packed<FormatF16> : Packed16Bits {};
template <>
struct Packed<FormatBF16> : Packed16Bits {};

template <>
struct Packed<FormatQ8_0> {
  static constexpr int kUnitInputs = 64;
  static constexpr int kScaledInputs = 32;
  static constexpr bool kHasOffset = false;
  struct Unit {
    uint16_t d[2][16];
    int8_t q[64][16];
  };
};

// Eight consecutive codes of an output are the nibbles of one word, the first
// in the lowest bits: word[i] holds k = 8 i to 8 i + 7 of the unit.
template <>
struct Packed<FormatQ4_0> {
  static constexpr int kUnitInputs = 64;
  static constexpr int kScaledInputs = 32;
  static constexpr bool kHasOffset = false;
  struct Unit {
    uint16_t d[2][16];
    uint32_t word[8][16];
  };
};

template <>
struct Packed<FormatQ4_1> {
  static constexpr int kUnitInputs = 64;
  static constexpr int kScaledInputs = 32;
  static constexpr bool kHasOffset = true;
  struct Unit {
    uint16_t d[2][16];
    uint16_t m[2][16];
    uint32_t word[8][16];
  };
};

template <>
struct Packed<FormatQ4_K> {
  static constexpr int kUnitInputs = 256;
  static constexpr int kScaledInputs = 32;
  static constexpr bool kHasOffset = true;
  struct Unit {
    uint16_t d[16];
    uint16_t dmin[16];
    uint8_t scale[8][16];
    uint8_t min[8][16];
    uint32_t word[32][16];
  };
};

// The low nibbles as above; the high two bits of 16 consecutive codes are one
// word, the first in the lowest bits.
template <>
struct Packed<FormatQ6_K> {
  static constexpr int kUnitInputs = 256;
  static constexpr int kScaledInputs = 16;
  static constexpr bool kHasOffset = false;
  struct Unit {
    uint16_t d[16];
    uint16_t unused[16];
    int8_t scale[16][16];
    uint32_t low[32][16];
    uint32_t high[16][16];
  };
};

// Bytes of one group of 16 outputs.
template <class Format>
constexpr size_t PackedGroupBytes(int64_t inputs) {
  using Layout = Packed<Format>;
  const int64_t units =
      (inputs + Layout::kUnitInputs - 1) / Layout::kUnitInputs;
  return static_cast<size_t>(units) * sizeof(typename Layout::Unit);
}

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_MATMUL_FORMATS_H_
