#include "nn/mlp.h"

#include "ops/ops.h"

namespace braid::nn {

Rows Mlp::operator()(Compute& compute, ConstRows x) const {
  const Rows hidden = up_(compute, x);  // {rows, hidden}
  ops::ActivateInto(compute, f_, hidden);
  return down_(compute, hidden);
}

}  // namespace braid::nn
