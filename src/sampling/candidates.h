// Candidates: the tokens that can still be drawn, and the filters that thin
// them out.
//
// Candidates always stand in ascending order of token id. A filter finds the
// last token that it keeps in a total order (better score first, ties to the
// lower id) by partial selection, and drops all behind it. Every sum is taken
// in one of these two orders, so the result does not depend on how the standard
// library sorts. Sums and probabilities are double. No call allocates once a
// vocabulary of the size has been seen. Not thread-safe.
#ifndef BRAID_SRC_SAMPLING_CANDIDATES_H_
#define BRAID_SRC_SAMPLING_CANDIDATES_H_

#include <cstddef>
#include <span>
#include <vector>

#include "braid/types.h"

namespace braid {

struct Candidate {
  double score;   // the logit after bias and penalties
  double weight;  // exp(score - the best score): probability times a constant
  TokenId token;
};

class Candidates {
 public:
  // The `top_k` best of the vocabulary, or all of it for top_k <= 0.
  // `scores` has no NaN and no +infinity, and at least one that is finite.
  void SelectTopK(std::span<const double> scores, int top_k);

  // Locally typical sampling (Meister, Pimentel, Wiher, Cotterell: "Locally
  // Typical Sampling", 2022): the smallest set of probability >= `mass` of the
  // tokens whose information -log p is nearest to the entropy.
  void KeepTypical(double mass);

  // Nucleus sampling (Holtzman et al.: "The Curious Case of Neural Text
  // Degeneration", 2020): the smallest set of the most probable tokens with
  // probability >= `mass`.
  void KeepTopP(double mass);

  // Tokens with at least `ratio` times the probability of the best one.
  void KeepMinP(double ratio);

  // Inverse of the cumulative distribution of exp(score / temperature), in
  // order of token id, at `uniform` in [0, 1).
  TokenId Draw(double temperature, double uniform);

  std::span<const Candidate> all() const { return kept_; }

 private:
  // Keeps the first candidates of the total order `before`, until their weights
  // reach `mass` of the whole; at least one.
  template <class Before>
  void KeepMass(double mass, Before before);

  std::vector<Candidate> kept_;
  std::vector<Candidate> ordered_;  // scratch of KeepMass
};

}  // namespace braid

#endif  // BRAID_SRC_SAMPLING_CANDIDATES_H_
