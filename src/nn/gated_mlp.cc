#include "nn/gated_mlp.h"

#include "ops/ops.h"

namespace braid::nn {

Rows GatedMlp::operator()(Compute& compute, ConstRows x) const {
  const Rows gate = gate_(compute, x);  // {rows, hidden}
  const Rows up = up_(compute, x);      // {rows, hidden}
  ops::ActivateMulInto(compute, f_, gate, up);
  return down_(compute, up);
}

}  // namespace braid::nn
