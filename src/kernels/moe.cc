#include "kernels/moe.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "kernels/element_functions.h"
#include "kernels/elementwise.h"
#include "kernels/row_tasks.h"

namespace braid {

namespace {

// Keeps a sum of probabilities that all vanished from dividing by zero.
constexpr float kSmallestSum = 1e-20f;

// A score that was taken or left out; no score of an expert is NaN.
const float kGone = std::nanf("");

Rows Scratch(Arena& arena, int64_t rows, int64_t width) {
  return {arena.Allocate<float>(static_cast<size_t>(rows * width)), rows, width,
          width};
}

void RankingScores(const float* p, const float* bias, int experts, float* s) {
  for (int e = 0; e < experts; ++e) {
    const float score = bias == nullptr ? p[e] : p[e] + bias[e];
    s[e] = std::isnan(score) ? -kInfinity : score;
  }
}

// The lowest index of the largest value; -1 if all are gone.
int Best(const float* values, int count) {
  int best = -1;
  for (int i = 0; i < count; ++i) {
    if (std::isnan(values[i])) continue;
    if (best < 0 || values[i] > values[best]) best = i;
  }
  return best;
}

float ScoreOfGroup(const float* s, int size, GroupScore kind) {
  float first = -kInfinity;
  float second = -kInfinity;
  for (int i = 0; i < size; ++i) {
    if (s[i] > first) {
      second = first;
      first = s[i];
    } else if (s[i] > second) {
      second = s[i];
    }
  }
  return kind == GroupScore::kLargest || size == 1 ? first : first + second;
}

// Takes the experts of all but the best groups out of `s`.
void KeepBestGroups(const RoutingConfig& config, float* scores, float* s) {
  const int size = config.experts / config.groups;
  for (int g = 0; g < config.groups; ++g) {
    scores[g] = ScoreOfGroup(s + g * size, size, config.group_score);
  }
  for (int i = 0; i < config.selected_groups; ++i) {
    scores[Best(scores, config.groups)] = kGone;
  }
  for (int g = 0; g < config.groups; ++g) {
    if (!std::isnan(scores[g])) std::fill_n(s + g * size, size, kGone);
  }
}

void SelectExperts(const RoutingConfig& config, const float* p, float* s,
                   int32_t* experts, float* weights) {
  for (int r = 0; r < config.selected; ++r) {
    const int best = Best(s, config.experts);
    experts[r] = best;
    weights[r] = p[best];
    s[best] = kGone;
  }
}

void Normalize(int selected, float* weights) {
  float sum = 0;
  for (int r = 0; r < selected; ++r) sum += weights[r];
  // Written so that a NaN stays one.
  const float divisor = sum < kSmallestSum ? kSmallestSum : sum;
  for (int r = 0; r < selected; ++r) weights[r] /= divisor;
}

}  // namespace

void Route(const RoutingConfig& config, ConstRows logits, const float* bias,
           Routing routing, Arena& arena, ThreadPool& threads) {
  BRAID_CHECK(logits.width == config.experts && logits.rows == routing.rows);
  BRAID_CHECK(routing.selected == config.selected);
  BRAID_CHECK(config.selected >= 1 && config.experts % config.groups == 0);
  BRAID_CHECK(config.selected <=
              config.experts / config.groups * config.selected_groups);
  const ArenaScope scope(arena);
  const Rows p = Scratch(arena, logits.rows, config.experts);
  const Rows s = Scratch(arena, logits.rows, config.experts);
  const Rows groups = Scratch(arena, logits.rows, config.groups);
  ConstRows probabilities = p;
  switch (config.gate) {
    case ExpertGate::kSoftmax:
      Softmax(logits, p, threads);
      break;
    case ExpertGate::kSigmoid:
      Activate(Nonlinearity::kSigmoid, logits, p, threads);
      break;
    case ExpertGate::kSoftmaxOfSelected:
      probabilities = logits;
      break;
  }
  const Rows weights = {routing.weights, routing.rows, routing.selected,
                        routing.selected};
  const int64_t work = int64_t{config.experts} * (config.selected + 1);
  ForRowBlocks(logits.rows, work, threads, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) {
      RankingScores(probabilities.row(m), bias, config.experts, s.row(m));
      if (config.selected_groups < config.groups) {
        KeepBestGroups(config, groups.row(m), s.row(m));
      }
      SelectExperts(config, probabilities.row(m), s.row(m),
                    routing.experts + m * config.selected, weights.row(m));
    }
  });
  if (config.gate == ExpertGate::kSoftmaxOfSelected) {
    Softmax(weights, weights, threads);
  }
  for (int64_t m = 0; m < weights.rows; ++m) {
    if (config.normalized) Normalize(config.selected, weights.row(m));
    for (int r = 0; r < config.selected; ++r) weights.row(m)[r] *= config.scale;
  }
}

}  // namespace braid
