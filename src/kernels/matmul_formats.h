// How the matrix product stores and computes with each weight format: the
// numeric definitions that every path and every vector target share, and the
// packed order of the weights.
//
// Numeric definitions. One accumulator per output starts at +0 and walks k in
// ascending order; fma rounds once. Plain floats enter as
//
//   acc = fma(w, x, acc) for every k.
//
// Of all others kScaledInputs consecutive inputs (32; 16 for Q2_K, Q3_K and
// Q6_K) share scale and offset, and v is the value of a code, an integer
// (CodeValue):
//
//   in = +0; in = fma(v, x, in) for its k; acc = fma(in, scale, acc); then, for
//   formats with an offset, acc = fma(offset, sum, acc).
//
//   Q8_0, Q4_0, Q5_0, IQ4_NL, TQ1_0, TQ2_0   scale = d
//   Q4_1, Q5_1                               scale = d, offset = m
//   Q2_K, Q4_K, Q5_K    scale = d * (integer), offset = -(dmin * (integer))
//   Q3_K, Q6_K, IQ4_XS  scale = d * (signed integer)
//   MXFP4               scale = 2^(exponent - 128)
//
// `sum` is the plain in-order sum from +0 of these inputs, made once per row.
// The products are exact in float32 (11 bits times at most 8). Infinities and
// NaNs behave as IEEE 754 says in all paths alike; only the payload and sign of
// a NaN may differ, because they depend on which operand an instruction
// prefers.
//
// Packed order. Outputs come in groups of 16, the lanes of a vector; a group
// is one contiguous array, k ascending. Short blocks are stored in pairs or
// fours, so that every vector of codes lies on a 64-byte boundary; the last
// may be partly used. Bits per weight are those of the file, but for Q3_K
// (4.62 instead of 3.44: nibbles), TQ1_0 (2.12 instead of 1.69: two bits),
// IQ4_XS (4.38 instead of 4.25), TQ2_0 (2.12 instead of 2.06), Q4_K (4.62
// instead of 4.5), Q5_K (5.62 instead of 5.5) and Q6_K (6.62 instead of 6.56).
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
//
// Fields of a Unit, the last index being the output:
//   value         a plain float
//   q             codes of 8 bits
//   nibbles       the low 4 bits of 8 consecutive codes are one word, the first
//                 in the lowest bits
//   pairs         two bits of 16 consecutive codes: the low ones, or those
//   above
//                 the nibbles
//   bits          the bit above the nibble of 32 consecutive codes
//   d, m, dmin, exponent                 of each block, as in the file
//   scale, min, signed_scale, scale_min  of each sub-block, unpacked; scale_min
//                                        as in the file
template <class Format>
struct Packed;

template <class Format, int kInputs>
struct PackedTraits {
  static constexpr int kUnitInputs = kInputs;
  static constexpr int kScaledInputs =
      Format::kScaledElements < 32 ? Format::kScaledElements : 32;
  static constexpr bool kHasOffset = Format::kHasOffset;
};

template <>
struct Packed<FormatF32> : PackedTraits<FormatF32, 1> {
  struct Unit {
    float value[16];
  };
};

struct Unit16Bits {
  uint16_t value[16];
};
template <>
struct Packed<FormatF16> : PackedTraits<FormatF16, 1> {
  using Unit = Unit16Bits;
};
template <>
struct Packed<FormatBF16> : PackedTraits<FormatBF16, 1> {
  using Unit = Unit16Bits;
};

template <>
struct Packed<FormatQ8_0> : PackedTraits<FormatQ8_0, 64> {
  struct Unit {
    uint16_t d[2][16];
    int8_t q[64][16];
  };
};

struct UnitOfNibbles {
  uint16_t d[2][16];
  uint32_t nibbles[8][16];
};
template <>
struct Packed<FormatQ4_0> : PackedTraits<FormatQ4_0, 64> {
  using Unit = UnitOfNibbles;
};
template <>
struct Packed<FormatIQ4_NL> : PackedTraits<FormatIQ4_NL, 64> {
  using Unit = UnitOfNibbles;
};

template <>
struct Packed<FormatMXFP4> : PackedTraits<FormatMXFP4, 128> {
  struct Unit {
    uint8_t exponent[4][16];
    uint32_t nibbles[16][16];
  };
};

template <>
struct Packed<FormatQ4_1> : PackedTraits<FormatQ4_1, 64> {
  struct Unit {
    uint16_t d[2][16];
    uint16_t m[2][16];
    uint32_t nibbles[8][16];
  };
};

template <>
struct Packed<FormatQ5_0> : PackedTraits<FormatQ5_0, 64> {
  struct Unit {
    uint16_t d[2][16];
    uint32_t nibbles[8][16];
    uint32_t bits[2][16];
  };
};

template <>
struct Packed<FormatQ5_1> : PackedTraits<FormatQ5_1, 64> {
  struct Unit {
    uint16_t d[2][16];
    uint16_t m[2][16];
    uint32_t nibbles[8][16];
    uint32_t bits[2][16];
  };
};

template <>
struct Packed<FormatQ2_K> : PackedTraits<FormatQ2_K, 256> {
  struct Unit {
    uint16_t d[1][16];
    uint16_t dmin[1][16];
    uint8_t scale_min[16][16];
    uint32_t pairs[16][16];
  };
};

template <>
struct Packed<FormatQ3_K> : PackedTraits<FormatQ3_K, 256> {
  struct Unit {
    uint16_t d[1][16];
    uint16_t unused[16];
    int8_t signed_scale[16][16];
    uint32_t nibbles[32][16];
  };
};

template <>
struct Packed<FormatQ4_K> : PackedTraits<FormatQ4_K, 256> {
  struct Unit {
    uint16_t d[1][16];
    uint16_t dmin[1][16];
    uint8_t scale[8][16];
    uint8_t min[8][16];
    uint32_t nibbles[32][16];
  };
};

template <>
struct Packed<FormatQ5_K> : PackedTraits<FormatQ5_K, 256> {
  struct Unit {
    uint16_t d[1][16];
    uint16_t dmin[1][16];
    uint8_t scale[8][16];
    uint8_t min[8][16];
    uint32_t nibbles[32][16];
    uint32_t bits[8][16];
  };
};

template <>
struct Packed<FormatQ6_K> : PackedTraits<FormatQ6_K, 256> {
  struct Unit {
    uint16_t d[1][16];
    uint16_t unused[16];
    int8_t signed_scale[16][16];
    uint32_t nibbles[32][16];
    uint32_t pairs[16][16];
  };
};

template <>
struct Packed<FormatIQ4_XS> : PackedTraits<FormatIQ4_XS, 256> {
  struct Unit {
    uint16_t d[1][16];
    uint16_t unused[16];
    int8_t signed_scale[8][16];
    uint32_t nibbles[32][16];
  };
};

struct UnitOfTrits {
  uint16_t d[1][16];
  uint16_t unused[16];
  uint32_t pairs[16][16];
};
template <>
struct Packed<FormatTQ1_0> : PackedTraits<FormatTQ1_0, 256> {
  using Unit = UnitOfTrits;
};
template <>
struct Packed<FormatTQ2_0> : PackedTraits<FormatTQ2_0, 256> {
  using Unit = UnitOfTrits;
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
