// Buckets of distances, against values of the reference implementation
// (transformers, T5Attention).
#include "nn/bucketed_bias.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/thread_pool.h"
#include "nn/weight_source.h"

namespace braid::nn {
namespace {

std::vector<int> Buckets(const std::vector<int>& distances, int buckets,
                         Direction direction) {
  std::vector<int> result;
  for (const int distance : distances) {
    result.push_back(RelativeBucket(distance, buckets, direction));
  }
  return result;
}

TEST(BucketedBias, BucketsAreThoseOfTheReference) {
  EXPECT_EQ(Buckets({0,  1,   -1, 7,  8,  -8,  11, 12,  -15,  16, 22,
                     23, -31, 32, 63, 64, -90, 91, 127, -128, 500},
                    32, Direction::kBoth),
            (std::vector<int>{0,  17, 1,  23, 24, 8,  24, 25, 9,  26, 26,
                              27, 11, 28, 29, 30, 14, 31, 31, 15, 31}));
  EXPECT_EQ(Buckets({0, -1, 5, -15, -16, -18, -19, -31, -32, -63, -64, -90,
                     -112, -113, -128, -500},
                    32, Direction::kBehind),
            (std::vector<int>{0, 1, 0, 15, 16, 16, 17, 21, 21, 26, 26, 29, 30,
                              31, 31, 31}));
  EXPECT_EQ(Buckets({0, 1, -1, 2, -2, 15, 16, -16, 17, 127, -128}, 8,
                    Direction::kBoth),
            (std::vector<int>{0, 5, 1, 6, 2, 6, 7, 3, 7, 7, 3}));
}

TEST(BucketedBias, TheTableHasEveryHeadsWeightOfEveryDistance) {
  RandomSource source(3, DType::kF32);
  ThreadPool threads(1);
  WeightScope w(source, threads);
  constexpr int kHeads = 3;
  constexpr int kBuckets = 32;
  const BucketedBias bias(w, "rel", kHeads, kBuckets, Direction::kBoth);
  const std::vector<float> weights =
      w.Vector("rel", {kHeads, kBuckets}, Role::kBias);
  const RelativeBias view = bias.view();
  EXPECT_EQ(view.before, 128);
  EXPECT_EQ(view.after, 128);
  const float* value = view.values;
  for (int head = 0; head < kHeads; ++head) {
    for (int distance = -128; distance <= 128; ++distance) {
      const int bucket = RelativeBucket(distance, kBuckets, Direction::kBoth);
      EXPECT_EQ(*value++, weights[bucket * kHeads + head]);
    }
  }
}

}  // namespace
}  // namespace braid::nn
