// RmsNorm with learned scales; LayerNorm with learned scales and shifts.
#ifndef BRAID_SRC_NN_NORM_H_
#define BRAID_SRC_NN_NORM_H_

#include <string_view>
#include <utility>
#include <vector>

#include "nn/weight_scope.h"
#include "ops/ops.h"

namespace braid::nn {

class RmsNorm {
 public:
  RmsNorm() = default;
  // Tensor `name`.weight {width}.
  RmsNorm(WeightScope& w, std::string_view name, int64_t width, float epsilon)
      : weight_(w.Vector(std::string(name) + ".weight", {width}, Role::kScale)),
        epsilon_(epsilon) {}
  // weight: [width].
  RmsNorm(std::vector<float> weight, float epsilon)
      : weight_(std::move(weight)), epsilon_(epsilon) {}

  // {rows, width} -> {rows, width}.
  Rows operator()(Compute& compute, ConstRows x) const {
    return ops::RmsNorm(compute, x, weight_, epsilon_);
  }

 private:
  std::vector<float> weight_;
  float epsilon_ = 0;
};

class LayerNorm {
 public:
  LayerNorm() = default;
  // Tensors `name`.weight {width} and, if the source has it, `name`.bias
  // {width}.
  LayerNorm(WeightScope& w, const std::string& name, int64_t width,
            float epsilon)
      : weight_(w.Vector(name + ".weight", {width}, Role::kScale)),
        epsilon_(epsilon) {
    if (!w.Has(name + ".bias")) return;
    bias_ = w.Vector(name + ".bias", {width}, Role::kBias);
  }

  // {rows, width} -> {rows, width}.
  Rows operator()(Compute& compute, ConstRows x) const {
    return ops::LayerNorm(compute, x, weight_, bias_, epsilon_);
  }
  // The same into rows that are there; y may be x.
  void Into(Compute& compute, ConstRows x, Rows y) const {
    ops::LayerNormInto(compute, x, weight_, bias_, epsilon_, y);
  }

 private:
  std::vector<float> weight_;
  std::vector<float> bias_;
  float epsilon_ = 0;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_NORM_H_
