#include "nn/linear.h"

#include <string>

#include "ops/ops.h"

namespace braid::nn {

Linear::Linear(WeightScope& w, std::string_view name, int64_t inputs,
               int64_t outputs)
    : weight_(w.Matrix(std::string(name) + ".weight", inputs, outputs)) {
  const std::string bias = std::string(name) + ".bias";
  if (w.Has(bias)) bias_ = w.Vector(bias, {outputs}, Role::kBias);
}

Linear::Linear(WeightScope& w, const StoredMatrix& fused,
               std::span<const float> fused_bias, int64_t begin,
               int64_t outputs) {
  if (!w.status().ok()) return;
  weight_ = w.PackRows(fused, begin, outputs);
  if (fused_bias.empty()) return;
  bias_.assign(fused_bias.begin() + begin,
               fused_bias.begin() + begin + outputs);
}

Rows Linear::operator()(Compute& compute, ConstRows x) const {
  const Rows y = ops::MatMul(compute, weight_, x);
  if (!bias_.empty()) ops::AddBias(compute, bias_, y);
  return y;
}

}  // namespace braid::nn
