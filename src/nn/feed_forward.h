// FeedForward: what stands between two mixers, a dense MLP or a mixture of
// experts, where a model has both.
#ifndef BRAID_SRC_NN_FEED_FORWARD_H_
#define BRAID_SRC_NN_FEED_FORWARD_H_

#include <variant>

#include "nn/gated_mlp.h"
#include "nn/moe.h"

namespace braid::nn {

class FeedForward {
 public:
  FeedForward(WeightScope& w, int64_t width, int64_t hidden)
      : part_(GatedMlp(w, width, hidden)) {}
  FeedForward(WeightScope& w, const MoeConfig& config)
      : part_(Moe(w, config)) {}

  // {rows, width} -> {rows, width}.
  Rows operator()(Compute& compute, ConstRows x) const {
    return std::visit([&](const auto& part) { return part(compute, x); },
                      part_);
  }

 private:
  std::variant<GatedMlp, Moe> part_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_FEED_FORWARD_H_
