// Mlp: down(f(up(x))) (Vaswani et al., "Attention Is All You Need", 2017,
// section 3.3).
#ifndef BRAID_SRC_NN_MLP_H_
#define BRAID_SRC_NN_MLP_H_

#include "kernels/elementwise.h"
#include "nn/linear.h"

namespace braid::nn {

class Mlp {
 public:
  Mlp() = default;
  // Tensors ffn_up {width, hidden}, ffn_down {hidden, width}, each with an
  // optional bias.
  Mlp(WeightScope& w, int64_t width, int64_t hidden, Nonlinearity f)
      : f_(f),
        up_(w, "ffn_up", width, hidden),
        down_(w, "ffn_down", hidden, width) {}

  // {rows, width} -> {rows, width}.
  Rows operator()(Compute& compute, ConstRows x) const;

 private:
  Nonlinearity f_ = Nonlinearity::kRelu;
  Linear up_;
  Linear down_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_MLP_H_
