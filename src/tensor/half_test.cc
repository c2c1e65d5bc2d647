#include "tensor/half.h"

#include <gtest/gtest.h>
#include <immintrin.h>

#include <cmath>
#include <limits>

#include "base/fp_guard.h"
#include "base/random.h"

namespace braid {
namespace {

__attribute__((target("f16c"))) float F16cToFloat(uint16_t half) {
  return _cvtsh_ss(half);
}

__attribute__((target("f16c"))) uint16_t F16cFromFloat(float value) {
  const __m128i halves =
      _mm_cvtps_ph(_mm_set_ss(value), _MM_FROUND_TO_NEAREST_INT);
  return static_cast<uint16_t>(_mm_extract_epi16(halves, 0));
}

bool HasF16c() { return __builtin_cpu_supports("avx2") != 0; }

uint32_t Bits(float value) { return std::bit_cast<uint32_t>(value); }

TEST(HalfTest, DecodesEveryHalfAsF16c) {
  if (!HasF16c()) GTEST_SKIP() << "this CPU has no F16C";
  for (uint32_t half = 0; half <= 0xFFFFu; ++half) {
    const auto bits = static_cast<uint16_t>(half);
    ASSERT_EQ(Bits(HalfToFloat(bits)), Bits(F16cToFloat(bits))) << half;
    const FloatGuard guard;  // does not change it
    ASSERT_EQ(Bits(HalfToFloat(bits)), Bits(F16cToFloat(bits))) << half;
  }
}

// Every half, the midpoints between halves, and their neighbours.
TEST(HalfTest, RoundsAsF16c) {
  if (!HasF16c()) GTEST_SKIP() << "this CPU has no F16C";
  const float infinity = std::numeric_limits<float>::infinity();
  for (uint32_t half = 0; half < 0x7C00u; ++half) {
    const float value = HalfToFloat(static_cast<uint16_t>(half));
    const float next = half + 1 == 0x7C00u
                           ? 65536.0f
                           : HalfToFloat(static_cast<uint16_t>(half + 1));
    const float middle = value + (next - value) / 2;
    for (const float tried :
         {value, middle, std::nextafter(middle, -infinity),
          std::nextafter(middle, infinity), -value, -middle}) {
      ASSERT_EQ(FloatToHalf(tried), F16cFromFloat(tried)) << tried;
    }
  }
}

TEST(HalfTest, RoundsAnyBitsAsF16c) {
  if (!HasF16c()) GTEST_SKIP() << "this CPU has no F16C";
  Random random(1);
  for (int i = 0; i < 500'000; ++i) {
    const float value =
        std::bit_cast<float>(static_cast<uint32_t>(random.Bits()));
    ASSERT_EQ(FloatToHalf(value), F16cFromFloat(value)) << Bits(value);
  }
}

TEST(Bf16Test, RoundsToNearestEven) {
  EXPECT_EQ(FloatToBf16(std::bit_cast<float>(0x3F808000u)), 0x3F80);  // tie
  EXPECT_EQ(FloatToBf16(std::bit_cast<float>(0x3F818000u)), 0x3F82);  // tie
  EXPECT_EQ(FloatToBf16(std::bit_cast<float>(0x3F808001u)), 0x3F81);
  EXPECT_EQ(FloatToBf16(std::bit_cast<float>(0x7F7FFFFFu)), 0x7F80);
  EXPECT_EQ(FloatToBf16(std::bit_cast<float>(0x7F800001u)), 0x7FC0);  // NaN
  EXPECT_EQ(FloatToBf16(-0.0f), 0x8000);
}

TEST(Bf16Test, RoundTripsEveryValue) {
  for (uint32_t bits = 0; bits <= 0xFFFFu; ++bits) {
    const float value = Bf16ToFloat(static_cast<uint16_t>(bits));
    EXPECT_EQ(Bits(value), bits << 16);
    if (std::isnan(value)) continue;
    ASSERT_EQ(FloatToBf16(value), bits);
  }
}

}  // namespace
}  // namespace braid
