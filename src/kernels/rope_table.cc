#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "kernels/rope.h"

namespace braid {

namespace {

// The pair, as a real number, that turns `turns` times in `context` positions.
double PairOfTurns(const RopeConfig& config, double context, double turns) {
  return config.rotated * std::log(context / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(config.base));
}

// How far a pair is slowed down: 0 not at all, 1 by position_scale.
double YarnRamp(const RopeConfig& config, const YarnConfig& yarn, int pair) {
  const double context = yarn.original_context;
  double low = PairOfTurns(config, context, yarn.beta_fast);
  double high = PairOfTurns(config, context, yarn.beta_slow);
  if (yarn.whole_pairs) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(0.0, low);
  high = std::min(config.rotated - 1.0, high);
  // Its authors' guard against an empty ramp.
  const double width = std::max(0.001, high - low);
  const double ramp = std::clamp((pair - low) / width, 0.0, 1.0);
  return ramp + (1 - yarn.extension) * (1 - ramp);
}

}  // namespace

double RopeFrequency(const RopeConfig& config, int pair) {
  double frequency = std::pow(config.base, -2.0 * pair / config.rotated);
  double scale = config.position_scale;
  if (config.yarn) {
    const double ramp = YarnRamp(config, *config.yarn, pair);
    scale = scale * ramp + (1 - ramp);
  }
  frequency *= scale;
  if (!config.frequency_divisors.empty()) {
    frequency /= config.frequency_divisors[pair];
  }
  return frequency;
}

RopeConfig ForContext(RopeConfig config, int64_t context) {
  if (context <= config.short_context) {
    config.frequency_divisors = config.short_divisors;
  }
  return config;
}

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
    const double frequency = RopeFrequency(config_, pair);
    for (int position = count_; position < count; ++position) {
      float* cosines =
          values_.data() + static_cast<size_t>(position) * config_.rotated;
      const double angle = position * frequency;
      cosines[pair] = static_cast<float>(config_.magnitude * std::cos(angle));
      cosines[pairs + pair] =
          static_cast<float>(config_.magnitude * std::sin(angle));
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
