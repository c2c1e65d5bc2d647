#include "kernels/ref/ssd_twin.h"

#include <cmath>

#include "kernels/ref/element_functions.h"

namespace braid {

void SsdScanTwin(const SsdWeights& weights, std::span<const StateRun> runs,
                 ConstRows x, ConstRows dt, ConstRows b, ConstRows c, Rows y) {
  const SsdShape& shape = weights.shape();
  for (const StateRun& run : runs) {
    for (size_t i = 0; i < shape.StateFloats(); ++i) {
      run.destination[i] = run.source == nullptr ? 0.0f : run.source[i];
    }
    for (int t = run.begin; t < run.begin + run.length; ++t) {
      for (int head = 0; head < shape.heads; ++head) {
        const float step = dt.row(t)[head];
        const float decay = DecayTwin(step, weights.a()[head]);
        const int64_t group = int64_t{shape.group_of(head)} * shape.states;
        float* state = run.destination + head * shape.HeadFloats();
        for (int p = 0; p < shape.head_dim; ++p) {
          const int64_t channel = int64_t{head} * shape.head_dim + p;
          const float input = x.row(t)[channel];
          float sum = 0.0f;
          for (int n = 0; n < shape.states; ++n) {
            float& h = state[(p / 16 * shape.states + n) * 16 + p % 16];
            h = std::fma(decay, h, step * input * b.row(t)[group + n]);
            sum = std::fma(c.row(t)[group + n], h, sum);
          }
          y.row(t)[channel] = std::fma(weights.d()[head], input, sum);
        }
      }
    }
  }
}

std::vector<OracleValue> SsdScanOracle(const float* a, const float* d,
                                       const SsdShape& shape, ConstRows x,
                                       ConstRows dt, ConstRows b, ConstRows c) {
  std::vector<OracleValue> states(
      static_cast<size_t>(shape.channels() * shape.states));
  std::vector<OracleValue> values;
  for (int64_t t = 0; t < x.rows; ++t) {
    for (int64_t channel = 0; channel < shape.channels(); ++channel) {
      const int head = static_cast<int>(channel / shape.head_dim);
      const int64_t group = int64_t{shape.group_of(head)} * shape.states;
      const double step = dt.row(t)[head];
      const double input = x.row(t)[channel];
      const double argument = step * a[head];
      const double decay = std::exp(argument);
      // The argument carries the roundings of log2(e) and A log2(e).
      const double decay_error =
          decay * (kExpError + 2 * kFloatRounding * std::fabs(argument)) +
          1e-37;
      double sum = d[head] * input;
      double magnitude = std::fabs(sum);
      double inherited = 0;
      for (int n = 0; n < shape.states; ++n) {
        OracleValue& h =
            states[static_cast<size_t>(channel * shape.states + n)];
        const double fresh = step * input * b.row(t)[group + n];
        h.tolerance = decay * h.tolerance + decay_error * std::fabs(h.value) +
                      2 * kFloatRounding * std::fabs(fresh);
        h.value = decay * h.value + fresh;
        h.tolerance += kFloatRounding * std::fabs(h.value) + 1e-37;
        const double weight = c.row(t)[group + n];
        sum += weight * h.value;
        magnitude += std::fabs(weight * h.value);
        inherited += std::fabs(weight) * h.tolerance;
      }
      const double roundings = static_cast<double>(shape.states) + 1;
      values.push_back(
          {sum, 1.001 * (inherited + roundings * kFloatRounding * magnitude)});
    }
  }
  return values;
}

}  // namespace braid
