// How the blocks of the weight formats are read: codes to integers, scales to
// floats. Decoding, the packer and the twin of the matrix product share it.
#ifndef BRAID_SRC_TENSOR_FORMAT_CODES_H_
#define BRAID_SRC_TENSOR_FORMAT_CODES_H_

#include <bit>
#include <cstdint>

#include "tensor/formats.h"
#include "tensor/half.h"

namespace braid {

// The value of a code of UnpackCodes, before scale and offset.
template <class Format>
constexpr int CodeValue(int code) {
  if constexpr (requires { Format::kValues; }) {
    return Format::kValues[code];
  } else {
    return code - Format::kZero;
  }
}

namespace internal {

// `count` bytes hold 2 * count codes: low nibbles first, then high ones.
inline void UnpackNibbles(const uint8_t* bytes, int count, int8_t* codes) {
  for (int i = 0; i < count; ++i) {
    codes[i] = static_cast<int8_t>(bytes[i] & 15);
    codes[i + count] = static_cast<int8_t>(bytes[i] >> 4);
  }
}

// Adds 16 to code i where bit i % 8 of byte i / 8 is set.
inline void AddFifthBits(const uint8_t (&high)[4], int8_t* codes) {
  for (int i = 0; i < 32; ++i) {
    const int bit = (high[i / 8] >> (i % 8)) & 1;
    codes[i] = static_cast<int8_t>(codes[i] | bit << 4);
  }
}

// Adds `worth` to code i where bit i / 32 of byte i % 32 is set.
inline void AddHighBits(const uint8_t (&high)[32], int worth, int8_t* codes) {
  for (int i = 0; i < 256; ++i) {
    const int bit = (high[i % 32] >> (i / 32)) & 1;
    codes[i] = static_cast<int8_t>(codes[i] | bit * worth);
  }
}

// Two halves of 32 bytes; 32 elements for each two bits, lowest first.
inline void UnpackPairs(const uint8_t (&low)[64], int8_t* codes) {
  for (int i = 0; i < 256; ++i) {
    const int byte = low[i / 128 * 32 + i % 32];
    codes[i] = static_cast<int8_t>((byte >> (i % 128 / 32 * 2)) & 3);
  }
}

// `count` bytes of `digits` digits in base 3. A byte is the digits as a
// fraction of 256, rounded up: each multiplication by 3 moves the next digit
// above the point. All first digits come first, then all second ones.
inline void UnpackTrits(const uint8_t* bytes, int count, int digits,
                        int8_t* codes) {
  for (int i = 0; i < count; ++i) {
    int fraction = bytes[i];
    for (int digit = 0; digit < digits; ++digit) {
      fraction *= 3;
      codes[digit * count + i] = static_cast<int8_t>(fraction >> 8);
      fraction &= 255;
    }
  }
}

}  // namespace internal

// The integer codes of a block, one per element, as stored: CodeValue gives
// their values.
inline void UnpackCodes(const FormatQ8_0::Block& block, int8_t* codes) {
  for (int i = 0; i < 32; ++i) codes[i] = block.q[i];
}

inline void UnpackCodes(const FormatQ4_0::Block& block, int8_t* codes) {
  internal::UnpackNibbles(block.nibbles, 16, codes);
}

inline void UnpackCodes(const FormatQ4_1::Block& block, int8_t* codes) {
  internal::UnpackNibbles(block.nibbles, 16, codes);
}

inline void UnpackCodes(const FormatQ5_0::Block& block, int8_t* codes) {
  internal::UnpackNibbles(block.nibbles, 16, codes);
  internal::AddFifthBits(block.high, codes);
}

inline void UnpackCodes(const FormatQ5_1::Block& block, int8_t* codes) {
  internal::UnpackNibbles(block.nibbles, 16, codes);
  internal::AddFifthBits(block.high, codes);
}

inline void UnpackCodes(const FormatQ2_K::Block& block, int8_t* codes) {
  internal::UnpackPairs(block.low, codes);
}

inline void UnpackCodes(const FormatQ3_K::Block& block, int8_t* codes) {
  internal::UnpackPairs(block.low, codes);
  internal::AddHighBits(block.high, 4, codes);
}

inline void UnpackCodes(const FormatQ4_K::Block& block, int8_t* codes) {
  for (int i = 0; i < 4; ++i) {
    internal::UnpackNibbles(block.nibbles + i * 32, 32, codes + i * 64);
  }
}

inline void UnpackCodes(const FormatQ5_K::Block& block, int8_t* codes) {
  for (int i = 0; i < 4; ++i) {
    internal::UnpackNibbles(block.nibbles + i * 32, 32, codes + i * 64);
  }
  internal::AddHighBits(block.high, 16, codes);
}

inline void UnpackCodes(const FormatQ6_K::Block& block, int8_t* codes) {
  for (int half = 0; half < 2; ++half) {
    const uint8_t* low = block.low + half * 64;
    const uint8_t* high = block.high + half * 32;
    for (int i = 0; i < 128; ++i) {
      const int nibble = i < 64 ? low[i] & 15 : low[i - 64] >> 4;
      const int bits = (high[i % 32] >> (i / 32 * 2)) & 3;
      codes[half * 128 + i] = static_cast<int8_t>(nibble | (bits << 4));
    }
  }
}

inline void UnpackCodes(const FormatIQ4_NL::Block& block, int8_t* codes) {
  internal::UnpackNibbles(block.nibbles, 16, codes);
}

inline void UnpackCodes(const FormatIQ4_XS::Block& block, int8_t* codes) {
  for (int i = 0; i < 8; ++i) {
    internal::UnpackNibbles(block.nibbles + i * 16, 16, codes + i * 32);
  }
}

inline void UnpackCodes(const FormatTQ1_0::Block& block, int8_t* codes) {
  internal::UnpackTrits(block.five, 32, 5, codes);
  internal::UnpackTrits(block.five + 32, 16, 5, codes + 160);
  internal::UnpackTrits(block.four, 4, 4, codes + 240);
}

inline void UnpackCodes(const FormatTQ2_0::Block& block, int8_t* codes) {
  internal::UnpackPairs(block.low, codes);
}

inline void UnpackCodes(const FormatMXFP4::Block& block, int8_t* codes) {
  internal::UnpackNibbles(block.nibbles, 16, codes);
}

struct ScaleMin {
  uint8_t scale;
  uint8_t min;
};

// The two 4-bit integers of sub-block `i`, 0 to 15.
inline ScaleMin UnpackScaleMin(const FormatQ2_K::Block& block, int i) {
  return {static_cast<uint8_t>(block.scales[i] & 15),
          static_cast<uint8_t>(block.scales[i] >> 4)};
}

// The packed 6-bit pair of sub-block `i`, 0 to 7, of Q4_K and Q5_K.
template <class Block>
ScaleMin UnpackScaleMin(const Block& block, int i) {
  const uint8_t* s = block.scales;
  if (i < 4) {
    return {static_cast<uint8_t>(s[i] & 63),
            static_cast<uint8_t>(s[i + 4] & 63)};
  }
  return {static_cast<uint8_t>((s[i + 4] & 15) | (s[i - 4] >> 6 << 4)),
          static_cast<uint8_t>((s[i + 4] >> 4) | (s[i] >> 6 << 4))};
}

// The signed integer scale of sub-block `i`.
inline int8_t UnpackScaleCode(const FormatQ3_K::Block& block, int i) {
  const int low = (block.scales[i % 8] >> (i / 8 * 4)) & 15;
  const int high = (block.scales[8 + i % 4] >> (i / 4 * 2)) & 3;
  return static_cast<int8_t>((low | high << 4) - 32);
}

inline int8_t UnpackScaleCode(const FormatQ6_K::Block& block, int i) {
  return block.scales[i];
}

inline int8_t UnpackScaleCode(const FormatIQ4_XS::Block& block, int i) {
  const int low = (block.scales_low[i / 2] >> (i % 2 * 4)) & 15;
  const int high = (block.scales_high >> (i * 2)) & 3;
  return static_cast<int8_t>((low | high << 4) - 32);
}

// 2^(exponent - 128), exactly; 255 is not a NaN, as in the `gguf` package.
inline float ExponentToFloat(uint8_t exponent) {
  const uint32_t bits =
      exponent < 2 ? 0x00200000u << exponent : (exponent - 1u) << 23;
  return std::bit_cast<float>(bits);
}

// Element = scale * value + offset.
struct ScaleOffset {
  float scale;
  float offset;  // 0 if the format has none
};

// Of the `i`th kScaledElements of a block. The products of a half and a small
// integer are exact.
template <class Block>
ScaleOffset UnpackScale(const Block& block, int i) {
  if constexpr (requires { block.exponent; }) {
    return {ExponentToFloat(block.exponent), 0};
  } else {
    const float d = HalfToFloat(block.d);
    if constexpr (requires { block.m; }) {
      return {d, HalfToFloat(block.m)};
    } else if constexpr (requires { block.dmin; }) {
      const ScaleMin sub = UnpackScaleMin(block, i);
      return {d * static_cast<float>(sub.scale),
              -(HalfToFloat(block.dmin) * static_cast<float>(sub.min))};
    } else if constexpr (requires { UnpackScaleCode(block, i); }) {
      return {d * static_cast<float>(UnpackScaleCode(block, i)), 0};
    } else {
      return {d, 0};
    }
  }
}

}  // namespace braid

#endif  // BRAID_SRC_TENSOR_FORMAT_CODES_H_
