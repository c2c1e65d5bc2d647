#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace braid {
namespace {

// Published first outputs of SplitMix64 from state 0.
TEST(Random, MixBitsIsSplitMix64) {
  EXPECT_EQ(MixBits(0), 0xE220A8397B1DCDAFu);
  EXPECT_EQ(MixBits(0x9E3779B97F4A7C15u), 0x6E789E6AA1B965F4u);
}

TEST(Random, IsAFunctionOfItsThreeInputs) {
  std::set<uint64_t> seen;
  for (uint64_t seed : {0, 1, 2})
    for (uint64_t stream : {0, 1, 2})
      for (uint64_t counter : {0, 1, 2}) {
        seen.insert(RandomBits(seed, stream, counter));
        EXPECT_EQ(RandomBits(seed, stream, counter),
                  RandomBits(seed, stream, counter));
      }
  EXPECT_EQ(seen.size(), 27u);
}

TEST(Random, UniformCoversTheUnitInterval) {
  Random random(5);
  int buckets[10] = {};
  for (int i = 0; i < 100000; ++i) {
    const double u = random.Uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    ++buckets[static_cast<int>(u * 10)];
  }
  for (const int count : buckets) EXPECT_NEAR(count, 10000, 500);
  for (int i = 0; i < 1000; ++i) {
    const int below = random.Below(7);
    ASSERT_GE(below, 0);
    ASSERT_LT(below, 7);
  }
}

}  // namespace
}  // namespace braid
