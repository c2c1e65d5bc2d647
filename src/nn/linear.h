// Linear: y = W x (+ b).
#ifndef BRAID_SRC_NN_LINEAR_H_
#define BRAID_SRC_NN_LINEAR_H_

#include <span>
#include <string_view>
#include <vector>

#include "nn/weight_scope.h"
#include "ops/compute.h"

namespace braid::nn {

class Linear {
 public:
  Linear() = default;
  // Tensors `name`.weight {inputs, outputs} and, if the source has it,
  // `name`.bias {outputs}.
  Linear(WeightScope& w, std::string_view name, int64_t inputs,
         int64_t outputs);

  // Outputs [begin, begin + outputs) of a matrix that holds several
  // projections, and of its bias, which may be empty.
  Linear(WeightScope& w, const StoredMatrix& fused,
         std::span<const float> fused_bias, int64_t begin, int64_t outputs);

  // {rows, inputs} -> {rows, outputs}.
  Rows operator()(Compute& compute, ConstRows x) const;

  const PackedMatrix& weight() const { return weight_; }

 private:
  PackedMatrix weight_;
  std::vector<float> bias_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_LINEAR_H_
