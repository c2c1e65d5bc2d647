#include "tensor/codec.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "tensor/format_codes.h"
#include "tensor/formats.h"
#include "tensor/half.h"
#include "tensor/k_quants.h"

namespace braid {

namespace {

void DecodeBlock(FormatF32, const FormatF32::Block& block, float* values) {
  values[0] = block.value;
}

void DecodeBlock(FormatF16, const FormatF16::Block& block, float* values) {
  values[0] = HalfToFloat(block.value);
}

void DecodeBlock(FormatBF16, const FormatBF16::Block& block, float* values) {
  values[0] = Bf16ToFloat(block.value);
}

template <class Format>
void DecodeBlock(Format, const typename Format::Block& block, float* values) {
  int8_t codes[Format::kElements];
  UnpackCodes(block, codes);
  constexpr int kScaled = Format::kScaledElements;
  for (int sub = 0; sub < Format::kElements / kScaled; ++sub) {
    const ScaleOffset unpacked = UnpackScale(block, sub);
    for (int i = sub * kScaled; i < (sub + 1) * kScaled; ++i) {
      values[i] =
          unpacked.scale * static_cast<float>(CodeValue<Format>(codes[i]));
      if constexpr (Format::kHasOffset) values[i] += unpacked.offset;
    }
  }
}

void EncodeBlock(const float* values, FormatF32::Block& block) {
  block.value = values[0];
}

void EncodeBlock(const float* values, FormatF16::Block& block) {
  block.value = FloatToHalf(values[0]);
}

void EncodeBlock(const float* values, FormatBF16::Block& block) {
  block.value = FloatToBf16(values[0]);
}

// 1 / d, or 0 for a block of zeros: codes are then that of 0.
float Inverse(float d) { return d != 0 ? 1.0f / d : 0.0f; }

// `value` without its fraction, clamped to [low, high]; NaN gives `low`.
int Truncate(float value, int low, int high) {
  if (!(value > static_cast<float>(low))) return low;
  return value >= static_cast<float>(high) ? high : static_cast<int>(value);
}

void EncodeBlock(const float* values, FormatQ8_0::Block& block) {
  float largest = 0;
  for (int i = 0; i < 32; ++i) {
    largest = std::fmax(largest, std::fabs(values[i]));
  }
  const float d = largest / 127.0f;
  const float inverse = Inverse(d);
  block.d = FloatToHalf(d);
  for (int i = 0; i < 32; ++i) {
    const float rounded = std::round(values[i] * inverse);
    block.q[i] = static_cast<int8_t>(Truncate(rounded, -127, 127));
  }
}

void PackNibbles(const int* codes, uint8_t* nibbles) {
  for (int i = 0; i < 16; ++i) {
    nibbles[i] =
        static_cast<uint8_t>((codes[i] & 15) | (codes[i + 16] & 15) << 4);
  }
}

void PackFifthBits(const int* codes, uint8_t (&high)[4]) {
  for (uint8_t& byte : high) byte = 0;
  for (int i = 0; i < 32; ++i) {
    high[i / 8] =
        static_cast<uint8_t>(high[i / 8] | (codes[i] >> 4) << (i % 8));
  }
}

// Returns d: the element of largest magnitude gets code 0.
float EncodeSigned(const float* values, int zero, int* codes) {
  float extreme = 0;
  for (int i = 0; i < 32; ++i) {
    if (std::fabs(values[i]) > std::fabs(extreme)) extreme = values[i];
  }
  const float offset = static_cast<float>(zero);
  const float d = extreme / -offset;
  const float inverse = Inverse(d);
  for (int i = 0; i < 32; ++i) {
    codes[i] = Truncate(values[i] * inverse + (offset + 0.5f), 0, 2 * zero - 1);
  }
  return d;
}

void EncodeBlock(const float* values, FormatQ4_0::Block& block) {
  int codes[32];
  block.d = FloatToHalf(EncodeSigned(values, 8, codes));
  PackNibbles(codes, block.nibbles);
}

void EncodeBlock(const float* values, FormatQ5_0::Block& block) {
  int codes[32];
  block.d = FloatToHalf(EncodeSigned(values, 16, codes));
  PackFifthBits(codes, block.high);
  PackNibbles(codes, block.nibbles);
}

// Sets d and m.
template <class Block>
void EncodeUnsigned(const float* values, int levels, int* codes, Block& block) {
  float low = values[0];
  float high = values[0];
  for (int i = 1; i < 32; ++i) {
    low = std::fmin(low, values[i]);
    high = std::fmax(high, values[i]);
  }
  const float d = (high - low) / static_cast<float>(levels);
  const float inverse = Inverse(d);
  block.d = FloatToHalf(d);
  block.m = FloatToHalf(low);
  for (int i = 0; i < 32; ++i) {
    codes[i] = Truncate((values[i] - low) * inverse + 0.5f, 0, levels);
  }
}

void EncodeBlock(const float* values, FormatQ4_1::Block& block) {
  int codes[32];
  EncodeUnsigned(values, 15, codes, block);
  PackNibbles(codes, block.nibbles);
}

void EncodeBlock(const float* values, FormatQ5_1::Block& block) {
  int codes[32];
  EncodeUnsigned(values, 31, codes, block);
  PackFifthBits(codes, block.high);
  PackNibbles(codes, block.nibbles);
}

// The same with weighted errors: a search.
template <class Block>
void EncodeSigned(const float* values, const float* weights, int zero,
                  int* codes, Block& block) {
  block.d = FloatToHalf(FitSymmetric(values, weights, 32, zero, codes));
  for (int i = 0; i < 32; ++i) codes[i] += zero;
}

// FitAffine takes 0 into the range, for K blocks have no positive offset; these
// have, so what is all positive is fitted as its distance from the smallest.
template <class Block>
void EncodeUnsigned(const float* values, const float* weights, int levels,
                    int* codes, Block& block) {
  const float low = std::fmax(0.0f, *std::min_element(values, values + 32));
  float above[32];
  for (int i = 0; i < 32; ++i) above[i] = values[i] - low;
  const Affine fit =
      FitAffine(above, weights, 32, levels, -0.9f, 0.05f, 36, codes);
  block.d = FloatToHalf(fit.scale);
  block.m = FloatToHalf(low - fit.min);
}

void EncodeWeighted(const float* values, const float* weights,
                    FormatQ4_0::Block& block) {
  int codes[32];
  EncodeSigned(values, weights, 8, codes, block);
  PackNibbles(codes, block.nibbles);
}

void EncodeWeighted(const float* values, const float* weights,
                    FormatQ5_0::Block& block) {
  int codes[32];
  EncodeSigned(values, weights, 16, codes, block);
  PackFifthBits(codes, block.high);
  PackNibbles(codes, block.nibbles);
}

void EncodeWeighted(const float* values, const float* weights,
                    FormatQ4_1::Block& block) {
  int codes[32];
  EncodeUnsigned(values, weights, 15, codes, block);
  PackNibbles(codes, block.nibbles);
}

void EncodeWeighted(const float* values, const float* weights,
                    FormatQ5_1::Block& block) {
  int codes[32];
  EncodeUnsigned(values, weights, 31, codes, block);
  PackFifthBits(codes, block.high);
  PackNibbles(codes, block.nibbles);
}

// Returns d; codes are 0, 1, 2.
float EncodeTernary(const float* values, int* codes) {
  float d = 0;
  for (int i = 0; i < 256; ++i) d = std::fmax(d, std::fabs(values[i]));
  const float inverse = Inverse(d);
  for (int i = 0; i < 256; ++i) {
    codes[i] = Truncate(std::round(values[i] * inverse), -1, 1) + 1;
  }
  return d;
}

void PackTrits(const int* codes, int count, int digits, uint8_t* bytes) {
  for (int i = 0; i < count; ++i) {
    int number = 0;  // of five digits, the last of four being 0
    for (int digit = 0; digit < 5; ++digit) {
      number = number * 3 + (digit < digits ? codes[digit * count + i] : 0);
    }
    bytes[i] = static_cast<uint8_t>((number * 256 + 242) / 243);
  }
}

void EncodeBlock(const float* values, FormatTQ1_0::Block& block) {
  int codes[256];
  block.d = FloatToHalf(EncodeTernary(values, codes));
  PackTrits(codes, 32, 5, block.five);
  PackTrits(codes + 160, 16, 5, block.five + 32);
  PackTrits(codes + 240, 4, 4, block.four);
}

void EncodeBlock(const float* values, FormatTQ2_0::Block& block) {
  int codes[256];
  block.d = FloatToHalf(EncodeTernary(values, codes));
  PackPairs(codes, block.low);
}

void EncodeBlock(const float* values, FormatMXFP4::Block& block) {
  float largest = 0;
  for (int i = 0; i < 32; ++i) {
    largest = std::fmax(largest, std::fabs(values[i]));
  }
  // ilogb of 0 and of infinity are the ends of int.
  const int exponent =
      largest > 0 && largest <= std::numeric_limits<float>::max()
          ? std::ilogb(largest) + 125
          : 0;
  block.exponent = static_cast<uint8_t>(exponent < 0 ? 0 : exponent);
  const float scale = ExponentToFloat(block.exponent);
  int codes[32];
  for (int i = 0; i < 32; ++i) {
    codes[i] = 0;
    float nearest = std::numeric_limits<float>::infinity();
    for (int code = 0; code < 16; ++code) {
      const float distance =
          std::fabs(scale * static_cast<float>(kE2M1Values[code]) - values[i]);
      if (distance < nearest) {
        nearest = distance;
        codes[i] = code;
      }
    }
  }
  PackNibbles(codes, block.nibbles);
}

}  // namespace

void DecodeRow(DType type, const std::byte* stored, int64_t elements,
               float* values) {
  VisitFormat(type, [&](auto format) {
    using Format = decltype(format);
    BRAID_CHECK(elements >= 0 && elements % Format::kElements == 0);
    for (int64_t i = 0; i < elements; i += Format::kElements) {
      typename Format::Block block;  // copied: `stored` need not be aligned
      std::memcpy(&block, stored, sizeof(block));
      DecodeBlock(format, block, values + i);
      stored += sizeof(block);
    }
  });
}

namespace {

// One block in the way that its format has: weighted by importance and by
// magnitude beside the row's, weighted by importance, or not weighted.
template <class Block>
void EncodeAnyBlock(const float* values, const float* importance,
                    float mean_square, Block& block) {
  if constexpr (requires { EncodeBlock(values, importance, block); }) {
    EncodeBlock(values, importance, block);
  } else if constexpr (requires {
                         EncodeWeighted(values, importance, block);
                       }) {
    if (importance == nullptr) {
      EncodeBlock(values, block);
      return;
    }
    float weights[32];
    for (int i = 0; i < 32; ++i) {
      weights[i] =
          importance[i] * std::sqrt(mean_square + values[i] * values[i]);
    }
    EncodeWeighted(values, weights, block);
  } else {
    EncodeBlock(values, block);
  }
}

}  // namespace

void EncodeWeightedRow(DType type, const float* values, const float* importance,
                       int64_t elements, std::byte* stored) {
  float squares = 0;
  if (importance != nullptr) {
    for (int64_t i = 0; i < elements; ++i) squares += values[i] * values[i];
  }
  const float mean_square =
      squares / static_cast<float>(elements > 0 ? elements : 1);
  VisitFormat(type, [&](auto format) {
    using Format = decltype(format);
    BRAID_CHECK(elements >= 0 && elements % Format::kElements == 0);
    for (int64_t i = 0; i < elements; i += Format::kElements) {
      typename Format::Block block;
      EncodeAnyBlock(values + i,
                     importance == nullptr ? nullptr : importance + i,
                     mean_square, block);
      std::memcpy(stored, &block, sizeof(block));
      stored += sizeof(block);
    }
  });
}

void EncodeRow(DType type, const float* values, int64_t elements,
               std::byte* stored) {
  EncodeWeightedRow(type, values, nullptr, elements, stored);
}

}  // namespace braid
