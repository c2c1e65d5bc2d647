// The weight formats: their blocks as plain structs (all fields little-endian,
// scales IEEE half unless told) and the one place where a DType becomes a
// static type. How codes and scales are read is in format_codes.h.
//
// A format says of itself
//   kElements        elements of a block
//   kScaledElements  consecutive elements that share scale and offset; 0 for
//                    plain floats, whose block is one element
//   kHasOffset       an element is scale * value + offset, else scale * value
//   kZero            the value of a code is code - kZero; or
//   kValues          the value of a code is kValues[code]
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
  static constexpr int kScaledElements = 0;
  static constexpr bool kHasOffset = false;
  struct Block {
    float value;
  };
};

// Encoded by rounding to nearest, ties to even.
struct FormatF16 {
  static constexpr DType kType = DType::kF16;
  static constexpr const char* kName = "F16";
  static constexpr int kElements = 1;
  static constexpr int kScaledElements = 0;
  static constexpr bool kHasOffset = false;
  struct Block {
    uint16_t value;
  };
};

// Encoded by rounding to nearest, ties to even.
struct FormatBF16 {
  static constexpr DType kType = DType::kBF16;
  static constexpr const char* kName = "BF16";
  static constexpr int kElements = 1;
  static constexpr int kScaledElements = 0;
  static constexpr bool kHasOffset = false;
  struct Block {
    uint16_t value;
  };
};

// d * q. Encoded with d = max|x| / 127 and codes rounded half away from zero.
struct FormatQ8_0 {
  static constexpr DType kType = DType::kQ8_0;
  static constexpr const char* kName = "Q8_0";
  static constexpr int kElements = 32;
  static constexpr int kScaledElements = 32;
  static constexpr bool kHasOffset = false;
  static constexpr int kZero = 0;
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
  static constexpr int kScaledElements = 32;
  static constexpr bool kHasOffset = false;
  static constexpr int kZero = 8;
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
  static constexpr int kScaledElements = 32;
  static constexpr bool kHasOffset = true;
  static constexpr int kZero = 0;
  struct Block {
    uint16_t d;
    uint16_t m;
    uint8_t nibbles[16];  // as in Q4_0
  };
};

// d * (q - 16). Encoded as Q4_0, with / -16 and codes to 31.
struct FormatQ5_0 {
  static constexpr DType kType = DType::kQ5_0;
  static constexpr const char* kName = "Q5_0";
  static constexpr int kElements = 32;
  static constexpr int kScaledElements = 32;
  static constexpr bool kHasOffset = false;
  static constexpr int kZero = 16;
  struct Block {
    uint16_t d;
    uint8_t high[4];      // fifth bit of element i: bit i % 8 of byte i / 8
    uint8_t nibbles[16];  // as in Q4_0
  };
};

// d * q + m. Encoded as Q4_1, with / 31.
struct FormatQ5_1 {
  static constexpr DType kType = DType::kQ5_1;
  static constexpr const char* kName = "Q5_1";
  static constexpr int kElements = 32;
  static constexpr int kScaledElements = 32;
  static constexpr bool kHasOffset = true;
  static constexpr int kZero = 0;
  struct Block {
    uint16_t d;
    uint16_t m;
    uint8_t high[4];      // as in Q5_0
    uint8_t nibbles[16];  // as in Q4_0
  };
};

// 16 sub-blocks of 16: (d * scale) * q - dmin * min, with 4-bit scales and
// minima. Encoded by the search in k_quants.h.
struct FormatQ2_K {
  static constexpr DType kType = DType::kQ2_K;
  static constexpr const char* kName = "Q2_K";
  static constexpr int kElements = 256;
  static constexpr int kScaledElements = 16;
  static constexpr bool kHasOffset = true;
  static constexpr int kZero = 0;
  struct Block {
    uint8_t scales[16];  // low nibble: scale, high nibble: minimum
    uint8_t low[64];     // per 128 elements 32 bytes; 32 elements per two bits
    uint16_t d;
    uint16_t dmin;
  };
};

// 16 sub-blocks of 16: (d * (scale - 32)) * (q - 4), with 6-bit scales.
// Encoded by the search in k_quants.h.
struct FormatQ3_K {
  static constexpr DType kType = DType::kQ3_K;
  static constexpr const char* kName = "Q3_K";
  static constexpr int kElements = 256;
  static constexpr int kScaledElements = 16;
  static constexpr bool kHasOffset = false;
  static constexpr int kZero = 4;
  struct Block {
    uint8_t high[32];    // third bit of element i: bit i / 32 of byte i % 32
    uint8_t low[64];     // as in Q2_K
    uint8_t scales[12];  // 16 of 6 bits, packed
    uint16_t d;
  };
};

// 8 sub-blocks of 32: (d * scale) * q - dmin * min, with 6-bit scales and
// minima. Encoded by the search in k_quants.h.
struct FormatQ4_K {
  static constexpr DType kType = DType::kQ4_K;
  static constexpr const char* kName = "Q4_K";
  static constexpr int kElements = 256;
  static constexpr int kScaledElements = 32;
  static constexpr bool kHasOffset = true;
  static constexpr int kZero = 0;
  struct Block {
    uint16_t d;
    uint16_t dmin;
    uint8_t scales[12];    // 6-bit scale and minimum of each sub-block, packed
    uint8_t nibbles[128];  // per 64 elements 32 bytes: low first, then high
  };
};

// As Q4_K with one bit more.
struct FormatQ5_K {
  static constexpr DType kType = DType::kQ5_K;
  static constexpr const char* kName = "Q5_K";
  static constexpr int kElements = 256;
  static constexpr int kScaledElements = 32;
  static constexpr bool kHasOffset = true;
  static constexpr int kZero = 0;
  struct Block {
    uint16_t d;
    uint16_t dmin;
    uint8_t scales[12];    // as in Q4_K
    uint8_t high[32];      // fifth bit of element i: bit i / 32 of byte i % 32
    uint8_t nibbles[128];  // as in Q4_K
  };
};

// 16 sub-blocks of 16: (d * scale) * (q - 32). Encoded by the search in
// k_quants.h.
struct FormatQ6_K {
  static constexpr DType kType = DType::kQ6_K;
  static constexpr const char* kName = "Q6_K";
  static constexpr int kElements = 256;
  static constexpr int kScaledElements = 16;
  static constexpr bool kHasOffset = false;
  static constexpr int kZero = 32;
  struct Block {
    uint8_t low[128];  // low 4 bits
    uint8_t high[64];  // high 2 bits
    int8_t scales[16];
    uint16_t d;
  };
};

// The 16 levels of the IQ4 formats, closer together where weights are many.
inline constexpr int8_t kIq4Values[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

// d * level. Encoded by the search in k_quants.h.
struct FormatIQ4_NL {
  static constexpr DType kType = DType::kIQ4_NL;
  static constexpr const char* kName = "IQ4_NL";
  static constexpr int kElements = 32;
  static constexpr int kScaledElements = 32;
  static constexpr bool kHasOffset = false;
  static constexpr const int8_t (&kValues)[16] = kIq4Values;
  struct Block {
    uint16_t d;
    uint8_t nibbles[16];  // as in Q4_0
  };
};

// 8 sub-blocks of 32: (d * (scale - 32)) * level, with 6-bit scales. Encoded by
// the search in k_quants.h.
struct FormatIQ4_XS {
  static constexpr DType kType = DType::kIQ4_XS;
  static constexpr const char* kName = "IQ4_XS";
  static constexpr int kElements = 256;
  static constexpr int kScaledElements = 32;
  static constexpr bool kHasOffset = false;
  static constexpr const int8_t (&kValues)[16] = kIq4Values;
  struct Block {
    uint16_t d;
    uint16_t scales_high;   // 2 bits of each sub-block, the first lowest
    uint8_t scales_low[4];  // 4 bits of each, low nibble first
    uint8_t nibbles[128];   // per sub-block 16 bytes as in Q4_0
  };
};

// d * (q - 1), q = 0, 1, 2: digits of base 3, five to a byte (format_codes.h).
// Encoded with d = max|x| and codes rounded half away from zero.
struct FormatTQ1_0 {
  static constexpr DType kType = DType::kTQ1_0;
  static constexpr const char* kName = "TQ1_0";
  static constexpr int kElements = 256;
  static constexpr int kScaledElements = 256;
  static constexpr bool kHasOffset = false;
  static constexpr int kZero = 1;
  struct Block {
    uint8_t five[48];  // 32 bytes, then 16: digit by digit
    uint8_t four[4];   // four digits each
    uint16_t d;
  };
};

// d * (q - 1), q of two bits. Encoded as TQ1_0.
struct FormatTQ2_0 {
  static constexpr DType kType = DType::kTQ2_0;
  static constexpr const char* kName = "TQ2_0";
  static constexpr int kElements = 256;
  static constexpr int kScaledElements = 256;
  static constexpr bool kHasOffset = false;
  static constexpr int kZero = 1;
  struct Block {
    uint8_t low[64];  // as in Q2_K
    uint16_t d;
  };
};

// Twice the values of E2M1, a float of four bits: then all are integers.
inline constexpr int8_t kE2M1Values[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                           0, -1, -2, -3, -4, -6, -8, -12};

// 2^(exponent - 128) * (twice an E2M1), a zero always positive. Encoded with
// exponent = 125 + floor(log2(max|x|)) and the nearest value, the first of two.
// Source: OCP Microscaling Formats (MX), version 1.0.
struct FormatMXFP4 {
  static constexpr DType kType = DType::kMXFP4;
  static constexpr const char* kName = "MXFP4";
  static constexpr int kElements = 32;
  static constexpr int kScaledElements = 32;
  static constexpr bool kHasOffset = false;
  static constexpr const int8_t (&kValues)[16] = kE2M1Values;
  struct Block {
    uint8_t exponent;
    uint8_t nibbles[16];  // as in Q4_0
  };
};

static_assert(sizeof(FormatQ8_0::Block) == 34);
static_assert(sizeof(FormatQ4_0::Block) == 18);
static_assert(sizeof(FormatQ4_1::Block) == 20);
static_assert(sizeof(FormatQ5_0::Block) == 22);
static_assert(sizeof(FormatQ5_1::Block) == 24);
static_assert(sizeof(FormatQ2_K::Block) == 84);
static_assert(sizeof(FormatQ3_K::Block) == 110);
static_assert(sizeof(FormatQ4_K::Block) == 144);
static_assert(sizeof(FormatQ5_K::Block) == 176);
static_assert(sizeof(FormatQ6_K::Block) == 210);
static_assert(sizeof(FormatIQ4_NL::Block) == 18);
static_assert(sizeof(FormatIQ4_XS::Block) == 136);
static_assert(sizeof(FormatTQ1_0::Block) == 54);
static_assert(sizeof(FormatTQ2_0::Block) == 66);
static_assert(sizeof(FormatMXFP4::Block) == 17);

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
    case DType::kQ5_0:
      return visit(FormatQ5_0{});
    case DType::kQ5_1:
      return visit(FormatQ5_1{});
    case DType::kQ2_K:
      return visit(FormatQ2_K{});
    case DType::kQ3_K:
      return visit(FormatQ3_K{});
    case DType::kQ4_K:
      return visit(FormatQ4_K{});
    case DType::kQ5_K:
      return visit(FormatQ5_K{});
    case DType::kQ6_K:
      return visit(FormatQ6_K{});
    case DType::kIQ4_NL:
      return visit(FormatIQ4_NL{});
    case DType::kIQ4_XS:
      return visit(FormatIQ4_XS{});
    case DType::kTQ1_0:
      return visit(FormatTQ1_0{});
    case DType::kTQ2_0:
      return visit(FormatTQ2_0{});
    case DType::kMXFP4:
      return visit(FormatMXFP4{});
  }
  CheckFailed("a valid DType", __FILE__, __LINE__);
}

// Every type, in the order in which people meet them.
inline constexpr DType kAllDTypes[] = {
    DType::kF32,   DType::kF16,   DType::kBF16, DType::kQ8_0,   DType::kQ4_0,
    DType::kQ4_1,  DType::kQ5_0,  DType::kQ5_1, DType::kQ2_K,   DType::kQ3_K,
    DType::kQ4_K,  DType::kQ5_K,  DType::kQ6_K, DType::kIQ4_NL, DType::kIQ4_XS,
    DType::kTQ1_0, DType::kTQ2_0, DType::kMXFP4};

}  // namespace braid

#endif  // BRAID_SRC_TENSOR_FORMATS_H_
