#include "tensor/codec.h"

#include <cmath>
#include <cstring>

#include "base/check.h"
#include "tensor/formats.h"
#include "tensor/half.h"
#include "tensor/k_quants.h"

namespace braid {

namespace {

void DecodeBlock(const FormatF32::Block& block, float* values) {
  values[0] = block.value;
}

void DecodeBlock(const FormatF16::Block& block, float* values) {
  values[0] = HalfToFloat(block.value);
}

void DecodeBlock(const FormatBF16::Block& block, float* values) {
  values[0] = Bf16ToFloat(block.value);
}

void DecodeBlock(const FormatQ8_0::Block& block, float* values) {
  const float d = HalfToFloat(block.d);
  for (int i = 0; i < 32; ++i) values[i] = d * static_cast<float>(block.q[i]);
}

void DecodeBlock(const FormatQ4_0::Block& block, float* values) {
  const float d = HalfToFloat(block.d);
  int8_t codes[32];
  UnpackCodes(block, codes);
  for (int i = 0; i < 32; ++i) {
    values[i] = d * static_cast<float>(codes[i] - 8);
  }
}

void DecodeBlock(const FormatQ4_1::Block& block, float* values) {
  const float d = HalfToFloat(block.d);
  const float m = HalfToFloat(block.m);
  int8_t codes[32];
  UnpackCodes(block, codes);
  for (int i = 0; i < 32; ++i) {
    values[i] = d * static_cast<float>(codes[i]) + m;
  }
}

void DecodeBlock(const FormatQ4_K::Block& block, float* values) {
  const float d = HalfToFloat(block.d);
  const float dmin = HalfToFloat(block.dmin);
  int8_t codes[256];
  UnpackCodes(block, codes);
  for (int i = 0; i < 256; ++i) {
    const ScaleMin sub = UnpackScaleMin(block, i / 32);
    const float scale = d * static_cast<float>(sub.scale);
    const float min = dmin * static_cast<float>(sub.min);
    values[i] = scale * static_cast<float>(codes[i]) - min;
  }
}

void DecodeBlock(const FormatQ6_K::Block& block, float* values) {
  const float d = HalfToFloat(block.d);
  int8_t codes[256];
  UnpackCodes(block, codes);
  for (int i = 0; i < 256; ++i) {
    const float scale = d * static_cast<float>(block.scales[i / 16]);
    values[i] = scale * static_cast<float>(codes[i] - 32);
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
    nibbles[i] = static_cast<uint8_t>(codes[i] | codes[i + 16] << 4);
  }
}

void EncodeBlock(const float* values, FormatQ4_0::Block& block) {
  float extreme = 0;
  for (int i = 0; i < 32; ++i) {
    if (std::fabs(values[i]) > std::fabs(extreme)) extreme = values[i];
  }
  const float d = extreme / -8.0f;
  const float inverse = Inverse(d);
  block.d = FloatToHalf(d);
  int codes[32];
  for (int i = 0; i < 32; ++i) {
    codes[i] = Truncate(values[i] * inverse + 8.5f, 0, 15);
  }
  PackNibbles(codes, block.nibbles);
}

void EncodeBlock(const float* values, FormatQ4_1::Block& block) {
  float low = values[0];
  float high = values[0];
  for (int i = 1; i < 32; ++i) {
    low = std::fmin(low, values[i]);
    high = std::fmax(high, values[i]);
  }
  const float d = (high - low) / 15.0f;
  const float inverse = Inverse(d);
  block.d = FloatToHalf(d);
  block.m = FloatToHalf(low);
  int codes[32];
  for (int i = 0; i < 32; ++i) {
    codes[i] = Truncate((values[i] - low) * inverse + 0.5f, 0, 15);
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
      DecodeBlock(block, values + i);
      stored += sizeof(block);
    }
  });
}

void EncodeRow(DType type, const float* values, int64_t elements,
               std::byte* stored) {
  VisitFormat(type, [&](auto format) {
    using Format = decltype(format);
    BRAID_CHECK(elements >= 0 && elements % Format::kElements == 0);
    for (int64_t i = 0; i < elements; i += Format::kElements) {
      typename Format::Block block;
      EncodeBlock(values + i, block);
      std::memcpy(stored, &block, sizeof(block));
      stored += sizeof(block);
    }
  });
}

}  // namespace braid
