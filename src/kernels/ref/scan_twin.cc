#include "kernels/ref/scan_twin.h"

#include <cmath>

#include "kernels/ref/element_functions.h"

namespace braid {

void SelectiveScanTwin(const ScanWeights& weights,
                       std::span<const StateRun> runs, ConstRows x,
                       ConstRows dt, ConstRows b, ConstRows c, Rows y) {
  const int states = weights.states();
  for (const StateRun& run : runs) {
    for (size_t i = 0; i < weights.StateFloats(); ++i) {
      run.destination[i] = run.source == nullptr ? 0.0f : run.source[i];
    }
    for (int t = run.begin; t < run.begin + run.length; ++t) {
      for (int channel = 0; channel < weights.channels(); ++channel) {
        const float step = dt.row(t)[channel];
        const float input = x.row(t)[channel];
        float sum = 0.0f;
        for (int n = 0; n < states; ++n) {
          const int i = (channel / kScanGroup * states + n) * kScanGroup +
                        channel % kScanGroup;
          float& h = run.destination[i];
          h = std::fma(DecayTwin(step, weights.a()[i]), h,
                       step * input * b.row(t)[n]);
          sum = std::fma(c.row(t)[n], h, sum);
        }
        y.row(t)[channel] = std::fma(weights.d()[channel], input, sum);
      }
    }
  }
}

std::vector<OracleValue> SelectiveScanOracle(const float* a, const float* d,
                                             ConstRows x, ConstRows dt,
                                             ConstRows b, ConstRows c) {
  const int64_t states = b.width;
  std::vector<OracleValue> h(static_cast<size_t>(x.width * states));
  std::vector<OracleValue> values;
  for (int64_t t = 0; t < x.rows; ++t) {
    for (int64_t channel = 0; channel < x.width; ++channel) {
      const double step = dt.row(t)[channel];
      const double input = x.row(t)[channel];
      double sum = d[channel] * input;
      double magnitude = std::fabs(sum);
      double inherited = 0;
      for (int64_t n = 0; n < states; ++n) {
        OracleValue& state = h[static_cast<size_t>(channel * states + n)];
        const double argument = step * a[channel * states + n];
        const double decay = std::exp(argument);
        const double fresh = step * input * b.row(t)[n];
        // The argument carries the roundings of log2(e) and A log2(e).
        const double decay_error =
            decay * (kExpError + 2 * kFloatRounding * std::fabs(argument)) +
            1e-37;
        state.tolerance = decay * state.tolerance +
                          decay_error * std::fabs(state.value) +
                          2 * kFloatRounding * std::fabs(fresh);
        state.value = decay * state.value + fresh;
        state.tolerance += kFloatRounding * std::fabs(state.value) + 1e-37;
        const double term = c.row(t)[n] * state.value;
        sum += term;
        magnitude += std::fabs(term);
        inherited += std::fabs(c.row(t)[n]) * state.tolerance;
      }
      const double roundings = static_cast<double>(states) + 1;
      values.push_back(
          {sum, 1.001 * (inherited + roundings * kFloatRounding * magnitude)});
    }
  }
  return values;
}

}  // namespace braid
