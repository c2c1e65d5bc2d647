#include "kernels/ref/moe_twin.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "kernels/element_functions.h"
#include "kernels/ref/element_functions.h"
#include "kernels/ref/elementwise_twin.h"

namespace braid {

namespace {

using Floats = std::vector<float>;

Floats Softmaxed(Floats values) {
  const int64_t count = static_cast<int64_t>(values.size());
  const Rows row = {values.data(), 1, count, count};
  SoftmaxTwin(row, row);
  return values;
}

Floats Probabilities(ExpertGate gate, const Floats& logits) {
  if (gate == ExpertGate::kSoftmaxOfSelected) return logits;
  if (gate == ExpertGate::kSoftmax) return Softmaxed(logits);
  Floats p;
  for (const float logit : logits) p.push_back(SigmoidTwin(logit));
  return p;
}

// Indices by value, largest first; equal ones in ascending order.
std::vector<int> Ranking(const Floats& values) {
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return values[a] > values[b]; });
  return order;
}

std::vector<bool> OpenGroups(const RoutingConfig& config, const Floats& s) {
  const int size = config.experts / config.groups;
  Floats scores;
  for (int g = 0; g < config.groups; ++g) {
    Floats members(s.begin() + g * size, s.begin() + (g + 1) * size);
    std::sort(members.begin(), members.end(), std::greater<float>());
    const bool both = config.group_score == GroupScore::kTwoLargest && size > 1;
    scores.push_back(both ? members[0] + members[1] : members[0]);
  }
  std::vector<bool> open(scores.size(), false);
  const std::vector<int> order = Ranking(scores);
  for (int i = 0; i < config.selected_groups; ++i) open[order[i]] = true;
  return open;
}

}  // namespace

void RouteTwin(const RoutingConfig& config, ConstRows logits, const float* bias,
               Routing routing) {
  const int size = config.experts / config.groups;
  for (int64_t m = 0; m < logits.rows; ++m) {
    const Floats p = Probabilities(
        config.gate, Floats(logits.row(m), logits.row(m) + config.experts));
    Floats s = p;
    for (int e = 0; e < config.experts; ++e) {
      if (bias != nullptr) s[e] += bias[e];
      if (std::isnan(s[e])) s[e] = -kInfinity;
    }
    const std::vector<bool> open = OpenGroups(config, s);
    std::vector<int> experts;
    for (const int e : Ranking(s)) {
      if (open[e / size]) experts.push_back(e);
    }
    experts.resize(config.selected);

    Floats w;
    for (const int e : experts) w.push_back(p[e]);
    if (config.gate == ExpertGate::kSoftmaxOfSelected) w = Softmaxed(w);
    if (config.normalized) {
      const float sum = std::accumulate(w.begin(), w.end(), 0.0f);
      for (float& weight : w) weight /= std::max(sum, 1e-20f);
    }
    for (int r = 0; r < config.selected; ++r) {
      routing.experts[m * config.selected + r] = experts[r];
      routing.weights[m * config.selected + r] = w[r] * config.scale;
    }
  }
}

void SumExpertsTwin(Routing routing, const int32_t* places, ConstRows x,
                    Rows y) {
  for (int64_t m = 0; m < y.rows; ++m) {
    for (int64_t i = 0; i < y.width; ++i) {
      float sum = 0;
      for (int r = 0; r < routing.selected; ++r) {
        const int64_t at = m * routing.selected + r;
        sum = std::fma(routing.weights[at], x.row(places[at])[i], sum);
      }
      y.row(m)[i] = sum;
    }
  }
}

std::vector<OracleValue> ExpertWeightsOracle(const RoutingConfig& config,
                                             ConstRows logits,
                                             Routing routing) {
  std::vector<OracleValue> values;
  for (int64_t m = 0; m < logits.rows; ++m) {
    const float* l = logits.row(m);
    const int32_t* experts = routing.experts + m * config.selected;
    const double largest = *std::max_element(l, l + config.experts);
    double all = 0;
    for (int e = 0; e < config.experts; ++e) all += std::exp(l[e] - largest);
    std::vector<double> w;
    for (int r = 0; r < config.selected; ++r) {
      const double logit = l[experts[r]];
      w.push_back(config.gate == ExpertGate::kSigmoid
                      ? 1 / (1 + std::exp(-logit))
                      : std::exp(logit - largest) / all);
    }
    const double sum = std::accumulate(w.begin(), w.end(), 0.0);
    const bool of_selected = config.gate == ExpertGate::kSoftmaxOfSelected;
    // Two exponentials (of the weight and in the sums), whose arguments were
    // rounded, and the chain of the sums, of which there are at most two.
    const double spread = largest - *std::min_element(l, l + config.experts);
    const double relative =
        4 * kExpError +
        kFloatRounding * (2 * spread + config.experts + config.selected + 16);
    for (const double weight : w) {
      const double divisor = config.normalized || of_selected ? sum : 1;
      const double value = weight / divisor * config.scale;
      values.push_back({value, relative * value + 1e-37});
    }
  }
  return values;
}

std::vector<OracleValue> SumExpertsOracle(Routing routing,
                                          const int32_t* places, ConstRows x) {
  std::vector<OracleValue> values;
  for (int64_t m = 0; m < routing.rows; ++m) {
    for (int64_t i = 0; i < x.width; ++i) {
      double sum = 0;
      double magnitude = 0;
      for (int r = 0; r < routing.selected; ++r) {
        const int64_t at = m * routing.selected + r;
        const double term =
            static_cast<double>(routing.weights[at]) * x.row(places[at])[i];
        sum += term;
        magnitude += std::fabs(term);
      }
      values.push_back(
          {sum, routing.selected * kFloatRounding * magnitude + 1e-37});
    }
  }
  return values;
}

}  // namespace braid
