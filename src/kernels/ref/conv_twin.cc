#include "kernels/ref/conv_twin.h"

#include <cmath>

#include "kernels/ref/element_functions.h"

namespace braid {

namespace {

// Inputs of one channel: those of the state, then those of the run.
std::vector<float> History(const StateRun& run, ConstRows x, int taps,
                           int64_t channel) {
  std::vector<float> inputs;
  for (int j = 0; j < taps - 1; ++j) {
    inputs.push_back(run.source == nullptr ? 0.0f
                                           : run.source[j * x.width + channel]);
  }
  for (int t = 0; t < run.length; ++t) {
    inputs.push_back(x.row(run.begin + t)[channel]);
  }
  return inputs;
}

}  // namespace

void CausalConvTwin(std::span<const StateRun> runs, ConstRows x,
                    const float* weight, int taps, const float* bias,
                    Activation activation, Rows y) {
  for (const StateRun& run : runs) {
    for (int64_t c = 0; c < x.width; ++c) {
      const std::vector<float> inputs = History(run, x, taps, c);
      for (int t = 0; t < run.length; ++t) {
        float sum = bias == nullptr ? 0.0f : bias[c];
        for (int j = 0; j < taps; ++j) {
          sum = std::fma(weight[j * x.width + c], inputs[t + j], sum);
        }
        y.row(run.begin + t)[c] =
            activation == Activation::kSilu ? SiluTwin(sum) : sum;
      }
      for (int j = 0; j < taps - 1; ++j) {
        run.destination[j * x.width + c] = inputs[run.length + j];
      }
    }
  }
}

std::vector<OracleValue> CausalConvOracle(ConstRows x, const float* weight,
                                          int taps, const float* bias,
                                          Activation activation) {
  std::vector<OracleValue> values;
  for (int64_t t = 0; t < x.rows; ++t) {
    for (int64_t c = 0; c < x.width; ++c) {
      double sum = bias == nullptr ? 0 : bias[c];
      double magnitude = std::fabs(sum);
      for (int j = 0; j < taps; ++j) {
        const int64_t from = t - (taps - 1) + j;
        if (from < 0) continue;
        const double term =
            static_cast<double>(weight[j * x.width + c]) * x.row(from)[c];
        sum += term;
        magnitude += std::fabs(term);
      }
      double error = taps * kFloatRounding * magnitude + 1e-37;
      if (activation == Activation::kSilu) {
        sum /= 1 + std::exp(-sum);
        error *= 1.1;  // the steepest slope of SiLU
        error += (kExpError + 3 * kFloatRounding) * std::fabs(sum);
      }
      values.push_back({sum, error});
    }
  }
  return values;
}

}  // namespace braid
