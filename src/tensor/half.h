// The two 16-bit floats and float32, in portable integer arithmetic: the bits
// of the F16C instructions whatever the CPU and its floating-point mode.
// NaNs become quiet and keep their sign and upper payload bits.
#ifndef BRAID_SRC_TENSOR_HALF_H_
#define BRAID_SRC_TENSOR_HALF_H_

#include <bit>
#include <cstdint>

namespace braid {

// IEEE 754 binary16. Exact; subnormal halves are normal floats.
inline float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1Fu;
  const uint32_t mantissa = half & 0x3FFu;
  uint32_t bits;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
    bits = std::bit_cast<uint32_t>(static_cast<float>(mantissa) * 0x1p-24f);
  } else if (exponent == 0x1F) {
    bits = 0x7F800000u | (mantissa << 13) | (mantissa != 0 ? 0x400000u : 0u);
  } else {
    bits = ((exponent + 112) << 23) | (mantissa << 13);
  }
  return std::bit_cast<float>(sign | bits);
}

// Rounds to nearest, ties to even; beyond the range becomes infinity.
inline uint16_t FloatToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  uint32_t half;
  if (magnitude > 0x7F800000u) {  // NaN
    half = 0x7E00u | ((magnitude >> 13) & 0x3FFu);
  } else if (magnitude >= 0x477FF000u) {  // 65520 and above round to infinity
    half = 0x7C00u;
  } else if (magnitude >= 0x38800000u) {  // 2^-14: a normal half
    const uint32_t odd = (magnitude >> 13) & 1u;
    half = (magnitude - (112u << 23) + 0xFFFu + odd) >> 13;
  } else if (magnitude < 0x33000000u) {  // below 2^-25: nearest is zero
    half = 0;
  } else {  // a multiple of 2^-24
    const uint32_t significand = (magnitude & 0x7FFFFFu) | 0x800000u;
    const uint32_t shift = 126u - (magnitude >> 23);  // 14 to 24
    const uint32_t odd = (significand >> shift) & 1u;
    half = (significand + (1u << (shift - 1)) - 1u + odd) >> shift;
  }
  return static_cast<uint16_t>(sign | half);
}

// bfloat16: the upper half of a float32. Exact.
inline float Bf16ToFloat(uint16_t bf16) {
  return std::bit_cast<float>(static_cast<uint32_t>(bf16) << 16);
}

// Rounds to nearest, ties to even.
inline uint16_t FloatToBf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) {  // NaN
    return static_cast<uint16_t>((bits >> 16) | 0x40u);
  }
  const uint32_t odd = (bits >> 16) & 1u;
  return static_cast<uint16_t>((bits + 0x7FFFu + odd) >> 16);
}

}  // namespace braid

#endif  // BRAID_SRC_TENSOR_HALF_H_
