#include "tensor/storable.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tensor/codec.h"
#include "tensor/half.h"

namespace braid {

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr DType kTypes[] = {DType::kF32,  DType::kF16,  DType::kBF16,
                            DType::kQ8_0, DType::kQ4_K, DType::kMXFP4};

TEST(Storable, NanAndInfinityAreFoundAnywhere) {
  for (const DType type : kTypes) {
    for (const float bad : {kNan, kInfinity, -kInfinity}) {
      std::vector<float> values(100, 1.0f);
      EXPECT_EQ(FindUnstorable(type, values), std::nullopt);
      values[99] = bad;
      EXPECT_EQ(FindUnstorable(type, values), 99);
      values[37] = bad;
      EXPECT_EQ(FindUnstorable(type, values), 37);
    }
  }
}

TEST(Storable, TheLimitIsWhatTheCodecKeepsFinite) {
  for (const DType type : {DType::kF16, DType::kBF16}) {
    const float largest = LargestStorable(type);
    uint16_t stored = 0;
    EncodeRow(type, &largest, 1, reinterpret_cast<std::byte*>(&stored));
    float value = 0;
    DecodeRow(type, reinterpret_cast<const std::byte*>(&stored), 1, &value);
    EXPECT_TRUE(std::isfinite(value)) << Name(type);
    const float beyond = std::nextafter(largest, kInfinity);
    EXPECT_EQ(FindUnstorable(type, {&beyond, 1}), 0) << Name(type);
    EXPECT_EQ(FindUnstorable(type, {&largest, 1}), std::nullopt) << Name(type);
  }
  EXPECT_TRUE(std::isinf(Bf16ToFloat(
      FloatToBf16(std::nextafter(LargestStorable(DType::kBF16), kInfinity)))));
}

TEST(Storable, ErrorsNameTensorElementAndValue) {
  EXPECT_EQ(UnstorableError("t", 5, kNan, DType::kQ8_0).message,
            "t: element 5 is nan, which is no weight");
  EXPECT_EQ(UnstorableError("t", 0, -70000, DType::kF16).message,
            "t: element 0 is -70000; F16 holds at most 65504");
}

}  // namespace

}  // namespace braid
