#include "sampling/candidates.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "sampling/exp.h"

namespace braid {

namespace {

bool BetterScore(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score > b.score : a.token < b.token;
}

bool LowerToken(const Candidate& a, const Candidate& b) {
  return a.token < b.token;
}

double TotalWeight(std::span<const Candidate> candidates) {
  double total = 0;
  for (const Candidate& candidate : candidates) total += candidate.weight;
  return total;
}

}  // namespace

void Candidates::SelectTopK(std::span<const double> scores, int top_k) {
  const size_t size = scores.size();
  const size_t count =
      top_k <= 0 ? size : std::min(size, static_cast<size_t>(top_k));
  // A full buffer is cut back to the `count` best; from then on only better
  // scores enter (an equal one has a higher id). Linear in the vocabulary,
  // since a cut frees at least half of the buffer.
  const size_t capacity = std::min(size, std::max<size_t>(2 * count, 256));
  kept_.clear();
  kept_.reserve(capacity);
  bool was_cut = false;
  double worst = 0;
  const auto cut = [&] {
    std::nth_element(kept_.begin(), kept_.begin() + (count - 1), kept_.end(),
                     BetterScore);
    kept_.resize(count);
    was_cut = true;
    worst = kept_.back().score;
  };
  for (size_t i = 0; i < size; ++i) {
    if (was_cut && !(scores[i] > worst)) continue;
    if (kept_.size() == capacity) {
      cut();
      if (!(scores[i] > worst)) continue;
    }
    kept_.push_back({scores[i], 0.0, static_cast<TokenId>(i)});
  }
  if (kept_.size() > count) cut();
  if (was_cut) std::sort(kept_.begin(), kept_.end(), LowerToken);

  const double best =
      std::min_element(kept_.begin(), kept_.end(), BetterScore)->score;
  for (Candidate& candidate : kept_) {
    candidate.weight = Exp(candidate.score - best);
  }
}

template <class Before>
void Candidates::KeepMass(double mass, Before before) {
  const double wanted = mass * TotalWeight(kept_);
  ordered_.assign(kept_.begin(), kept_.end());
  // Sorts only as far as needed, in pieces that double.
  auto sorted = ordered_.begin();
  auto last = ordered_.begin();
  double sum = 0;
  for (ptrdiff_t piece = 64;; piece *= 2) {
    const auto end = sorted + std::min(piece, ordered_.end() - sorted);
    if (end != ordered_.end()) {
      std::nth_element(sorted, end, ordered_.end(), before);
    }
    std::sort(sorted, end, before);
    for (last = sorted; last != end; ++last) {
      sum += last->weight;
      if (sum >= wanted) break;
    }
    sorted = end;
    if (last != end || end == ordered_.end()) break;
  }
  // Rounding may leave the sum of all just below what is wanted: keep all.
  if (last == ordered_.end()) return;
  const Candidate bound = *last;
  std::erase_if(kept_, [&](const Candidate& c) { return before(bound, c); });
}

void Candidates::KeepTopP(double mass) { KeepMass(mass, BetterScore); }

void Candidates::KeepTypical(double mass) {
  // -log p = log z - score and the entropy is its mean, so in the difference
  // log z drops out: no logarithm is needed.
  double mean = 0;
  for (const Candidate& c : kept_) {
    if (c.weight > 0) mean += c.weight * c.score;
  }
  mean /= TotalWeight(kept_);
  KeepMass(mass, [mean](const Candidate& a, const Candidate& b) {
    const double distance_a = std::abs(a.score - mean);
    const double distance_b = std::abs(b.score - mean);
    return distance_a != distance_b ? distance_a < distance_b
                                    : a.token < b.token;
  });
}

void Candidates::KeepMinP(double ratio) {
  double best = 0;
  for (const Candidate& c : kept_) best = std::max(best, c.weight);
  const double least = ratio * best;
  std::erase_if(kept_, [=](const Candidate& c) { return c.weight < least; });
}

TokenId Candidates::Draw(double temperature, double uniform) {
  double best = -INFINITY;
  for (const Candidate& c : kept_) best = std::max(best, c.score);
  for (Candidate& c : kept_) c.weight = Exp((c.score - best) / temperature);
  const double target = uniform * TotalWeight(kept_);
  double sum = 0;
  TokenId token = kNoToken;
  for (const Candidate& c : kept_) {
    if (c.weight == 0) continue;
    sum += c.weight;
    // Also the answer when rounding has put the target on the total.
    token = c.token;
    if (sum > target) break;
  }
  BRAID_CHECK(token != kNoToken);
  return token;
}

}  // namespace braid
