// BucketedBias: what T5 adds to attention scores by the distance of two tokens
// (Raffel et al., "Exploring the Limits of Transfer Learning", 2020, section
// 2.1: near distances one by one, far ones in buckets of growing width).
#ifndef BRAID_SRC_NN_BUCKETED_BIAS_H_
#define BRAID_SRC_NN_BUCKETED_BIAS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "kernels/attention.h"
#include "nn/weight_scope.h"

namespace braid::nn {

enum class Direction {
  kBoth,    // half of the buckets for keys behind the query, half for the rest
  kBehind,  // all of them for keys behind; those ahead are never asked for
};

// The bucket, from 0 to `buckets` - 1, of a key `distance` positions after the
// query (negative: before it). One half of a direction's buckets are for a
// distance each; the others grow to 128 positions, which is where T5 ends.
int RelativeBucket(int distance, int buckets, Direction direction);

class BucketedBias {
 public:
  // Two buckets a direction are the least that has both kinds.
  static constexpr int kLeastBuckets = 4;

  BucketedBias() = default;
  // Tensor `name` {heads, buckets}; a table over distances is made of it once.
  BucketedBias(WeightScope& w, std::string_view name, int heads, int buckets,
               Direction direction);

  bool empty() const { return values_.empty(); }
  // For AttentionOptions; valid as long as this is.
  RelativeBias view() const {
    return {.values = values_.data(), .before = before_, .after = after_};
  }

 private:
  int before_ = 0;
  int after_ = 0;
  std::vector<float> values_;  // [heads][before + 1 + after]
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_BUCKETED_BIAS_H_
