#include "kernels/ref/norm_twin.h"

#include <cmath>

#include "kernels/ref/element_functions.h"

namespace braid {

void RmsNormTwin(ConstRows x, const float* weight, float epsilon, Rows y) {
  for (int64_t m = 0; m < x.rows; ++m) {
    const float mean =
        SumOfSquaresTwin(x.row(m), x.width) / static_cast<float>(x.width);
    const float scale = 1.0f / std::sqrt(mean + epsilon);
    for (int64_t i = 0; i < x.width; ++i) {
      const float scaled = x.row(m)[i] * scale;
      y.row(m)[i] = weight == nullptr ? scaled : scaled * weight[i];
    }
  }
}

std::vector<OracleValue> RmsNormOracle(ConstRows x, const float* weight,
                                       float epsilon) {
  std::vector<OracleValue> values;
  for (int64_t m = 0; m < x.rows; ++m) {
    double sum = 0;
    for (int64_t i = 0; i < x.width; ++i) {
      sum += static_cast<double>(x.row(m)[i]) * x.row(m)[i];
    }
    const double width = static_cast<double>(x.width);
    const double root = std::sqrt(sum / width + epsilon);
    // Chain of a lane, tree, division, addition (halved by the root); then
    // root, division and two products.
    const double roundings = (width / 16 + 1 + 4 + 2) / 2 + 4;
    for (int64_t i = 0; i < x.width; ++i) {
      const double y = x.row(m)[i] / root * (weight ? weight[i] : 1.0f);
      values.push_back({y, roundings * kFloatRounding * std::fabs(y) + 1e-37});
    }
  }
  return values;
}

}  // namespace braid
