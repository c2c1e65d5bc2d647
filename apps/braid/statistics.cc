#include "apps/braid/statistics.h"

#include <algorithm>
#include <cmath>

namespace braid::cli {

double Sample::Error() const {
  if (count_ < 2) return 0;
  const double n = static_cast<double>(count_);
  const double variance = squares_ / n - Mean() * Mean();
  return std::sqrt(std::max(variance, 0.0) / (n - 1));
}

double Likelihood::Perplexity() const { return std::exp(Mean()); }

Interval WilsonInterval(int64_t hits, int64_t tries) {
  constexpr double kZ = 1.95996398454;  // 97.5 % of the normal distribution
  const double n = static_cast<double>(tries);
  const double share = static_cast<double>(hits) / n;
  const double scale = 1 + kZ * kZ / n;
  const double center = (share + kZ * kZ / (2 * n)) / scale;
  const double half =
      kZ / scale * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  return {center - half, center + half};
}

}  // namespace braid::cli
