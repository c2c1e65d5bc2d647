#include <cmath>

#include "base/check.h"
#include "kernels/rope.h"

namespace braid {

RopeTable::RopeTable(RopeConfig config) : config_(std::move(config)) {
  BRAID_CHECK(config_.rotated >= 0 && config_.rotated % 2 == 0);
  BRAID_CHECK(config_.frequency_divisors.empty() ||
              static_cast<int>(config_.frequency_divisors.size()) ==
                  config_.rotated / 2);
}

void RopeTable::Extend(int count) {
  if (count <= count_) return;
  const int pairs = config_.rotated / 2;
  values_.resize(static_cast<size_t>(count) * config_.rotated);
  for (int pair = 0; pair < pairs; ++pair) {
    double frequency = std::pow(config_.base, -2.0 * pair / config_.rotated) *
                       config_.position_scale;
    if (!config_.frequency_divisors.empty()) {
      frequency /= config_.frequency_divisors[pair];
    }
    for (int position = count_; position < count; ++position) {
      float* cosines =
          values_.data() + static_cast<size_t>(position) * config_.rotated;
      cosines[pair] = static_cast<float>(std::cos(position * frequency));
      cosines[pairs + pair] =
          static_cast<float>(std::sin(position * frequency));
    }
  }
  count_ = count;
}

const float* RopeTable::cosines(Position position) const {
  BRAID_CHECK(position >= 0 && position < count_);
  return values_.data() + static_cast<size_t>(position) * config_.rotated;
}

const float* RopeTable::sines(Position position) const {
  return cosines(position) + config_.rotated / 2;
}

}  // namespace braid
