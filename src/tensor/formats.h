// The weight formats: their blocks as plain structs (all fields little-endian,
// scales IEEE half), how a block's codes are unpacked, and the one place where
// a DType becomes a static type.
//
// Source: the GGUF specification. The value of an element, and what EncodeRow
// does, stand beside each block.
#ifndef BRAID_SRC_TENSOR_FORMATS_H_
#define BRAID_SRC_TENSOR_FORMATS_H_

#include <cstdint>
#include <utility>

#include "base/check.h"
#include "tensor/dtype.h"

namespace braid {

// Plain floats: a block is one element.
struct FormatF32 {
  static constexpr DType kType = DType::kF32;
  static constexpr const char* kName = "F32";
  static constexpr int kElements = 1;
  struct Block {
    float value;
  };
};

// Encoded by rounding to nearest, ties to even.
struct FormatF16 {
  static constexpr DType kType = DType::kF16;
  static constexpr const char* kName = "F16";
  static constexpr int kElements = 1;
  struct Block {
    uint16_t value;
  };
};

// Encoded by rounding to nearest, ties to even.
struct FormatBF16 {
  static constexpr DType kType = DType::kBF16;
  static constexpr const char* kName = "BF16";
  static constexpr int kElements = 1;
  struct Block {
    uint16_t value;
  };
};

// d * q. Encoded with d = max|x| / 127 and codes rounded half away from zero.
struct FormatQ8_0 {
  static constexpr DType kType = DType::kQ8_0;
  static constexpr const char* kName = "Q8_0";
  static constexpr int kElements = 32;
  struct Block {
    uint16_t d;
    int8_t q[32];
  };
};

// d * (q - 8). Encoded with d = (the element of largest magnitude) / -8, so
// that this element is exact, and codes min(15, floor(x / d + 8.5)).
struct FormatQ4_0 {
  static constexpr DType kType = DType::kQ4_0;
  static constexpr const char* kName = "Q4_0";
  static constexpr int kElements = 32;
  struct Block {
    uint16_t d;
    uint8_t nibbles[16];  // low: elements 0 to 15, high: 16 to 31
  };
};

// d * q + m. Encoded with d = (max - min) / 15, m = min.
struct FormatQ4_1 {
  static constexpr DType kType = DType::kQ4_1;
  static constexpr const char* kName = "Q4_1";
  static constexpr int kElements = 32;
  struct Block {
    uint16_t d;
    uint16_t m;
    uint8_t nibbles[16];  // as in Q4_0
  };
};

// 8 sub-blocks of 32: (d * scale) * q - dmin * min, with 6-bit scales and
// minima. Encoded by the search in k_quants.h.
struct FormatQ4_K {
  static constexpr DType kType = DType::kQ4_K;
  static constexpr const char* kName = "Q4_K";
  static constexpr int kElements = 256;
  static constexpr int kSubBlocks = 8;
  struct Block {
    uint16_t d;
    uint16_t dmin;
    uint8_t scales[12];    // 6-bit scale and minimum of each sub-block, packed
    uint8_t nibbles[128];  // per 64 elements 32 bytes: low first, then high
  };
};

// 16 sub-blocks of 16: (d * scale) * (q - 32). Encoded by the search in
// k_quants.h.
struct FormatQ6_K {
  static constexpr DType kType = DType::kQ6_K;
  static constexpr const char* kName = "Q6_K";
  static constexpr int kElements = 256;
  static constexpr int kSubBlocks = 16;
  struct Block {
    uint8_t low[128];  // low 4 bits
    uint8_t high[64];  // high 2 bits
    int8_t scales[16];
    uint16_t d;
  };
};

static_assert(sizeof(FormatQ8_0::Block) == 34);
static_assert(sizeof(FormatQ4_0::Block) == 18);
static_assert(sizeof(FormatQ4_1::Block) == 20);
static_assert(sizeof(FormatQ4_K::Block) == 144);
static_assert(sizeof(FormatQ6_K::Block) == 210);

// Calls visit(Format{}) with the format of `type` and returns its result: the
// only switch over DType.
template <class Visitor>
decltype(auto) VisitFormat(DType type, Visitor&& visit) {
  switch (type) {
    case DType::kF32:
      return visit(FormatF32{});
    case DType::kF16:
      return visit(FormatF16{});
    case DType::kBF16:
      return visit(FormatBF16{});
    case DType::kQ8_0:
      return visit(FormatQ8_0{});
    case DType::kQ4_0:
      return visit(FormatQ4_0{});
    case DType::kQ4_1:
      return visit(FormatQ4_1{});
    case DType::kQ4_K:
      return visit(FormatQ4_K{});
    case DType::kQ6_K:
      return visit(FormatQ6_K{});
  }
  CheckFailed("a valid DType", __FILE__, __LINE__);
}

// Every type, in the order in which people meet them.
inline constexpr DType kAllDTypes[] = {DType::kF32,  DType::kF16,  DType::kBF16,
                                       DType::kQ8_0, DType::kQ4_0, DType::kQ4_1,
                                       DType::kQ4_K, DType::kQ6_K};

// The integer codes of a block, one per element, offsets not subtracted
// (0 to 15 for the 4-bit formats, 0 to 63 for Q6_K).
inline void UnpackCodes(const FormatQ8_0::Block& block, int8_t* codes) {
  for (int i = 0; i < 32; ++i) codes[i] = block.q[i];
}

namespace internal {
// `count` bytes hold 2 * count codes: low nibbles first, then high ones.
inline void UnpackNibbles(const uint8_t* bytes, int count, int8_t* codes) {
  for (int i = 0; i < count; ++i) {
    codes[i] = static_cast<int8_t>(bytes[i] & 15);
    codes[i + count] = static_cast<int8_t>(bytes[i] >> 4);
  }
}
}  // namespace internal

inline void UnpackCodes(const FormatQ4_0::Block& block, int8_t* codes) {
  internal::UnpackNibbles(block.nibbles, 16, codes);
}

inline void UnpackCodes(const FormatQ4_1::Block& block, int8_t* codes) {
  internal::UnpackNibbles(block.nibbles, 16, codes);
}

inline void UnpackCodes(const FormatQ4_K::Block& block, int8_t* codes) {
  for (int i = 0; i < 4; ++i) {
    internal::UnpackNibbles(block.nibbles + i * 32, 32, codes + i * 64);
  }
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

struct ScaleMin {
  uint8_t scale;  // both 0 to 63
  uint8_t min;
};

// The packed 6-bit pair of sub-block `i`, 0 to 7.
inline ScaleMin UnpackScaleMin(const FormatQ4_K::Block& block, int i) {
  const uint8_t* s = block.scales;
  if (i < 4) {
    return {static_cast<uint8_t>(s[i] & 63),
            static_cast<uint8_t>(s[i + 4] & 63)};
  }
  return {static_cast<uint8_t>((s[i + 4] & 15) | (s[i - 4] >> 6 << 4)),
          static_cast<uint8_t>((s[i + 4] >> 4) | (s[i] >> 6 << 4))};
}

}  // namespace braid

#endif  // BRAID_SRC_TENSOR_FORMATS_H_
