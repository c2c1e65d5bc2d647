#include "kernels/ref/rope_twin.h"

#include <cmath>

namespace braid {

namespace {

// The two elements of pair i, relative to their head.
struct Pair {
  int a;
  int b;
};

Pair PairOf(const RopeConfig& config, int i) {
  if (config.pairs == RopePairs::kHalves) return {i, i + config.rotated / 2};
  return {2 * i, 2 * i + 1};
}

}  // namespace

void RopeTwin(const RopeTable& table, std::span<const Position> positions,
              int heads, int head_dim, Rows x) {
  for (int64_t m = 0; m < x.rows; ++m) {
    for (int h = 0; h < heads; ++h) {
      float* head = x.row(m) + static_cast<int64_t>(h) * head_dim;
      for (int i = 0; i < table.config().rotated / 2; ++i) {
        const Pair pair = PairOf(table.config(), i);
        const float cosine = table.cosines(positions[m])[i];
        const float sine = table.sines(positions[m])[i];
        const float a = head[pair.a];
        const float b = head[pair.b];
        head[pair.a] = std::fma(a, cosine, -(b * sine));
        head[pair.b] = std::fma(a, sine, b * cosine);
      }
    }
  }
}

std::vector<OracleValue> RopeOracle(const RopeConfig& config,
                                    std::span<const Position> positions,
                                    int heads, int head_dim, ConstRows x) {
  std::vector<OracleValue> values;
  for (int64_t m = 0; m < x.rows; ++m) {
    const size_t row = values.size();
    for (int64_t i = 0; i < x.width; ++i) values.push_back({x.row(m)[i], 0});
    for (int h = 0; h < heads; ++h) {
      OracleValue* head = values.data() + row + size_t(h) * size_t(head_dim);
      for (int i = 0; i < config.rotated / 2; ++i) {
        const double divisor = config.frequency_divisors.empty()
                                   ? 1.0
                                   : config.frequency_divisors[i];
        const double angle = positions[m] * config.position_scale / divisor /
                             std::pow(config.base, 2.0 * i / config.rotated);
        const Pair pair = PairOf(config, i);
        const double a = head[pair.a].value;
        const double b = head[pair.b].value;
        // Rounded cosine and sine, a product and a sum.
        const double error =
            3 * kFloatRounding * (std::fabs(a) + std::fabs(b)) + 1e-37;
        head[pair.a] = {a * std::cos(angle) - b * std::sin(angle), error};
        head[pair.b] = {a * std::sin(angle) + b * std::cos(angle), error};
      }
    }
  }
  return values;
}

}  // namespace braid
