#include "ops/recurrent.h"

#include "base/check.h"
#include "kernels/norm.h"
#include "ops/checks.h"

namespace braid::ops {

Rows SsdScan(Compute& compute, const SsdWeights& weights,
             std::span<const StateRun> runs, ConstRows x, ConstRows dt,
             ConstRows b, ConstRows c) {
  const SsdShape& shape = weights.shape();
  BRAID_CHECK(RunsCover(runs, x.rows) && SameShape(b, c));
  BRAID_CHECK(x.rows == dt.rows && x.rows == b.rows);
  BRAID_CHECK(x.width == shape.channels() && dt.width == shape.heads);
  BRAID_CHECK(b.width == int64_t{shape.groups} * shape.states);
  const Rows y = compute.NewRows(x.rows, x.width);
  braid::SsdScan(weights, runs, x, dt, b, c, y, compute.threads);
  return y;
}

void GroupedRmsNormInto(Compute& compute, int groups,
                        std::span<const float> weight, float epsilon, Rows x) {
  BRAID_CHECK(groups >= 1 && x.width % groups == 0);
  BRAID_CHECK(static_cast<int64_t>(weight.size()) == x.width);
  const int64_t width = x.width / groups;
  for (int64_t begin = 0; begin < x.width; begin += width) {
    const Rows part = x.Columns(begin, width);
    braid::RmsNorm(part, weight.data() + begin, epsilon, part, compute.threads);
  }
}

}  // namespace braid::ops
