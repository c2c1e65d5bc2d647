#include "nn/bucketed_bias.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace braid::nn {

namespace {
constexpr int kLargestDistance = 128;
}  // namespace

int RelativeBucket(int distance, int buckets, Direction direction) {
  int first = 0;
  int size = std::max(-distance, 0);
  if (direction == Direction::kBoth) {
    buckets /= 2;
    first = distance > 0 ? buckets : 0;
    size = std::abs(distance);
  }
  const int single = buckets / 2;
  if (size < single) return first + size;
  // Exact where the ratio is a power of two, so that no edge is rounded over.
  const double share =
      std::log2(static_cast<double>(size) / single) /
      std::log2(static_cast<double>(kLargestDistance) / single);
  const int bucket = single + static_cast<int>(share * (buckets - single));
  return first + std::min(bucket, buckets - 1);
}

BucketedBias::BucketedBias(WeightScope& w, std::string_view name, int heads,
                           int buckets, Direction direction)
    : before_(kLargestDistance),
      after_(direction == Direction::kBoth ? kLargestDistance : 0) {
  const std::vector<float> weights =
      w.Vector(name, {heads, buckets}, Role::kBias);
  if (weights.empty()) return;
  for (int head = 0; head < heads; ++head) {
    for (int distance = -before_; distance <= after_; ++distance) {
      const int bucket = RelativeBucket(distance, buckets, direction);
      values_.push_back(weights[static_cast<size_t>(bucket * heads + head)]);
    }
  }
}

}  // namespace braid::nn
