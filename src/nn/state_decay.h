// LoadDecay: the A of a state-space model, or of a delta rule.
#ifndef BRAID_SRC_NN_STATE_DECAY_H_
#define BRAID_SRC_NN_STATE_DECAY_H_

#include <string_view>
#include <vector>

#include "nn/weight_scope.h"

namespace braid::nn {

// Tensor `name` of `shape`, every value finite and at most 0: a state that
// grows without bound is no model, and the kernels count on decay. Empty if
// there is an error, which the scope holds.
std::vector<float> LoadDecay(WeightScope& w, std::string_view name,
                             const Shape& shape);

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_STATE_DECAY_H_
