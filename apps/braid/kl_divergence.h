// How far a model's predictions are from another's (Kullback and Leibler, "On
// information and sufficiency", 1951), token by token.
#ifndef BRAID_APPS_BRAID_KL_DIVERGENCE_H_
#define BRAID_APPS_BRAID_KL_DIVERGENCE_H_

#include <span>
#include <string>
#include <vector>

#include "apps/braid/statistics.h"
#include "braid/types.h"

namespace braid::cli {

class KlDivergence {
 public:
  // `logits` of the model before `token`, and what the base model said there:
  // [vocabulary] log-probabilities. In double precision.
  void Add(std::span<const float> logits,
           std::span<const float> base_log_probabilities, TokenId token);

  // The columns of a running line, and their heading.
  static std::string Heading();
  std::string Line(int chunk) const;
  // All statistics at the end.
  std::string Summary() const;

  double MeanDivergence() const { return divergence_.Mean(); }

 private:
  Sample loss_;        // negative log-likelihoods of the model
  Sample base_loss_;   // and of the base
  Sample difference_;  // of the two
  Sample divergence_;
  Sample change_;          // of the probability of the token
  Sample squared_change_;  // its square
  Sample same_top_;        // 1 where both find the same token likeliest
  std::vector<float> divergences_;
  std::vector<float> changes_;
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_KL_DIVERGENCE_H_
