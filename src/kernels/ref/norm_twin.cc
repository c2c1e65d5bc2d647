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

void LayerNormTwin(ConstRows x, const float* weight, const float* bias,
                   float epsilon, Rows y) {
  const float width = static_cast<float>(x.width);
  for (int64_t m = 0; m < x.rows; ++m) {
    float* d = y.row(m);
    const float mean = SumTwin(x.row(m), x.width) / width;
    for (int64_t i = 0; i < x.width; ++i) d[i] = x.row(m)[i] - mean;
    const float variance = SumOfSquaresTwin(d, x.width) / width;
    const float scale = 1.0f / std::sqrt(variance + epsilon);
    for (int64_t i = 0; i < x.width; ++i) {
      d[i] = std::fma(d[i] * scale, weight == nullptr ? 1.0f : weight[i],
                      bias == nullptr ? -0.0f : bias[i]);
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

std::vector<OracleValue> LayerNormOracle(ConstRows x, const float* weight,
                                         const float* bias, float epsilon) {
  std::vector<OracleValue> values;
  const double width = static_cast<double>(x.width);
  // Chain of a lane, tree and division.
  const double sum_error = kFloatRounding * (width / 16 + 1 + 4 + 1);
  for (int64_t m = 0; m < x.rows; ++m) {
    double sum = 0;
    double sum_of_sizes = 0;
    for (int64_t i = 0; i < x.width; ++i) {
      sum += x.row(m)[i];
      sum_of_sizes += std::fabs(x.row(m)[i]);
    }
    const double mean = sum / width;
    double squares = 0;
    for (int64_t i = 0; i < x.width; ++i) {
      squares += (x.row(m)[i] - mean) * (x.row(m)[i] - mean);
    }
    const double variance = squares / width;
    const double root = std::sqrt(variance + epsilon);
    const double mean_error = sum_error * sum_of_sizes / width;
    // The mean's error enters the variance squared, as the differences add up
    // to zero; their own roundings and the sum's enter it once.
    const double variance_error =
        (mean_error * mean_error +
         variance * (sum_error + 2 * kFloatRounding)) /
        (variance + epsilon);
    const double scale_error = variance_error / 2 + 3 * kFloatRounding;
    for (int64_t i = 0; i < x.width; ++i) {
      const double d = x.row(m)[i] - mean;
      const double factor = weight == nullptr ? 1.0 : weight[i];
      const double y = d / root * factor + (bias == nullptr ? 0 : bias[i]);
      const double d_error = mean_error + kFloatRounding * std::fabs(d);
      const double product_error =
          (d_error + std::fabs(d) * (scale_error + 2 * kFloatRounding)) / root *
          std::fabs(factor);
      values.push_back(
          {y, product_error + kFloatRounding * std::fabs(y) + 1e-37});
    }
  }
  return values;
}

}  // namespace braid
