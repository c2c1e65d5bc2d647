// GatedMlp: down(f(gate(x)) * up(x)) (Shazeer, "GLU Variants Improve
// Transformer", 2020, section 2: SwiGLU, GEGLU, ReGLU).
#ifndef BRAID_SRC_NN_GATED_MLP_H_
#define BRAID_SRC_NN_GATED_MLP_H_

#include <string>

#include "kernels/elementwise.h"
#include "nn/linear.h"

namespace braid::nn {

class GatedMlp {
 public:
  GatedMlp() = default;
  // Tensors ffn_gate, ffn_up {width, hidden}, ffn_down {hidden, width}, each
  // with `suffix` ("_shexp": shared experts) and an optional bias.
  GatedMlp(WeightScope& w, int64_t width, int64_t hidden,
           Nonlinearity f = Nonlinearity::kSilu, const std::string& suffix = "")
      : f_(f),
        gate_(w, "ffn_gate" + suffix, width, hidden),
        up_(w, "ffn_up" + suffix, width, hidden),
        down_(w, "ffn_down" + suffix, hidden, width) {}

  // {rows, width} -> {rows, width}.
  Rows operator()(Compute& compute, ConstRows x) const;

 private:
  Nonlinearity f_ = Nonlinearity::kSilu;
  Linear gate_;
  Linear up_;
  Linear down_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_GATED_MLP_H_
