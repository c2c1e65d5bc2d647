#include "sampling/log_probability.h"

#include <algorithm>
#include <cmath>

#include "sampling/exp.h"

namespace braid {

double LogProbability(std::span<const float> logits, TokenId token) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += Exp(logit - largest);
  return logits[token] - largest - std::log(sum);
}

}  // namespace braid
