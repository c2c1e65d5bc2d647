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
template <class Format>
struct Packed;

// How consecutive codes lie in words: in each as many as fit, the first in the
// lowest bits. Of 5 and of 6 bits the upper two of a word are left over; those
// of a few words make the last codes of a step, so that no bit is wasted.
template <int kBits>
struct CodeWords {
  static constexpr int kPerWord = 32 / kBits;
  static constexpr bool kSpare = 32 % kBits != 0;
  // A step: the words, the codes in them, and how many lie in one word each.
  static constexpr int kWords = kBits == 5   ? 5
                                : kBits == 6 ? 3
                                             : (kBits + 3) / 4;
  static constexpr int kCodes = 32 * kWords / kBits;
  static constexpr int kWhole = kWords * kPerWord;
};

// Bytes are stored as unsigned ones, plus this.
inline constexpr int kByteBias = 128;

// The fields of which a Unit is made, the last index being the output.
namespace packed {

template <class Value>
struct Values {
  Value value[16];  // a plain float
};

// Codes, in steps of CodeWords<kBits>.
template <int kCodeBits, int kInputs>
struct Codes {
  static constexpr int kBits = kCodeBits;
  uint32_t codes[kInputs * kBits / 32][16];
};

// Of each block, as in the file.
template <int kBlocks>
struct D {
  uint16_t d[kBlocks][16];
};
template <int kBlocks>
struct M {
  uint16_t m[kBlocks][16];
};
template <int kBlocks>
struct DMin {
  uint16_t dmin[kBlocks][16];
};
template <int kBlocks>
struct Exponent {
  uint8_t exponent[kBlocks][16];
};
struct Padding {  // to a boundary of 64 bytes
  uint16_t unused[16];
};

// Of each sub-block, unpacked.
template <int kSubBlocks>
struct ScaleAndMin {
  uint8_t scale[kSubBlocks][16];
  uint8_t min[kSubBlocks][16];
};
template <int kSubBlocks>
struct SignedScale {
  int8_t signed_scale[kSubBlocks][16];
};
// As in the file: the scale in the low four bits.
template <int kSubBlocks>
struct ScaleMinNibbles {
  uint8_t scale_min[kSubBlocks][16];
};

template <class Format, int kInputs, class... Fields>
struct As {
  struct Unit : Fields... {};
  static constexpr int kUnitInputs = kInputs;
  static constexpr int kScaledInputs =
      Format::kScaledElements < 32 ? Format::kScaledElements : 32;
  static constexpr bool kHasOffset = Format::kHasOffset;
};

}  // namespace packed

template <>
struct Packed<FormatF32> : packed::As<FormatF32, 1, packed::Values<float>> {};
template <>
struct Packed<FormatF16> : packed::As<FormatF16, 1, packed::Values<uint16_t>> {
};
template <>
struct Packed<FormatBF16>
    : packed::As<FormatBF16, 1, packed::Values<uint16_t>> {};

template <>
struct Packed<FormatQ8_0>
    : packed::As<FormatQ8_0, 64, packed::D<2>, packed::Codes<8, 64>> {};
template <>
struct Packed<FormatQ4_0>
    : packed::As<FormatQ4_0, 64, packed::D<2>, packed::Codes<4, 64>> {};
template <>
struct Packed<FormatIQ4_NL>
    : packed::As<FormatIQ4_NL, 64, packed::D<2>, packed::Codes<4, 64>> {};
template <>
struct Packed<FormatMXFP4>
    : packed::As<FormatMXFP4, 128, packed::Exponent<4>, packed::Codes<4, 128>> {
};
template <>
struct Packed<FormatQ4_1> : packed::As<FormatQ4_1, 64, packed::D<2>,
                                       packed::M<2>, packed::Codes<4, 64>> {};
template <>
struct Packed<FormatQ5_0>
    : packed::As<FormatQ5_0, 64, packed::D<2>, packed::Codes<5, 64>> {};
template <>
struct Packed<FormatQ5_1> : packed::As<FormatQ5_1, 64, packed::D<2>,
                                       packed::M<2>, packed::Codes<5, 64>> {};

template <>
struct Packed<FormatQ2_K>
    : packed::As<FormatQ2_K, 256, packed::D<1>, packed::DMin<1>,
                 packed::ScaleMinNibbles<16>, packed::Codes<2, 256>> {};
template <>
struct Packed<FormatQ3_K>
    : packed::As<FormatQ3_K, 256, packed::D<1>, packed::Padding,
                 packed::SignedScale<16>, packed::Codes<4, 256>> {};
template <>
struct Packed<FormatQ4_K>
    : packed::As<FormatQ4_K, 256, packed::D<1>, packed::DMin<1>,
                 packed::ScaleAndMin<8>, packed::Codes<4, 256>> {};
template <>
struct Packed<FormatQ5_K>
    : packed::As<FormatQ5_K, 256, packed::D<1>, packed::DMin<1>,
                 packed::ScaleAndMin<8>, packed::Codes<5, 256>> {};
template <>
struct Packed<FormatQ6_K>
    : packed::As<FormatQ6_K, 256, packed::D<1>, packed::Padding,
                 packed::SignedScale<16>, packed::Codes<6, 256>> {};
template <>
struct Packed<FormatIQ4_XS>
    : packed::As<FormatIQ4_XS, 256, packed::D<1>, packed::Padding,
                 packed::SignedScale<8>, packed::Codes<4, 256>> {};
template <>
struct Packed<FormatTQ2_0>
    : packed::As<FormatTQ2_0, 256, packed::D<1>, packed::Padding,
                 packed::Codes<2, 256>> {};
// Repacked, it is the same: one kernel serves both.
template <>
struct Packed<FormatTQ1_0> : Packed<FormatTQ2_0> {};

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
