#include "braid/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "sampling/candidates.h"
#include "sampling/exp.h"
#include "tests/support/allocation_counter.h"

namespace braid {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// Nothing but the draw.
SamplingParams Plain() {
  SamplingParams params;
  params.temperature = 1;
  params.top_k = 0;
  params.top_p = 1;
  params.min_p = 0;
  return params;
}

TokenId Sample(const std::vector<float>& logits, const SamplingParams& params,
               const std::vector<TokenId>& history = {}) {
  SamplingScratch scratch;
  return SampleToken(logits, history, params, scratch);
}

// How often each token is drawn at positions 0 .. draws - 1.
std::vector<int> Histogram(const std::vector<float>& logits,
                           SamplingParams params, int draws) {
  SamplingScratch scratch;
  const std::vector<TokenId> history(draws, 0);
  params.penalty_window = 0;
  std::vector<int> counts(logits.size());
  for (int i = 0; i < draws; ++i) {
    ++counts[SampleToken(logits, std::span(history).first(i), params, scratch)];
  }
  return counts;
}

// Pearson's statistic; tokens of probability 0 must never have been drawn.
double ChiSquare(const std::vector<int>& counts,
                 const std::vector<double>& probabilities) {
  double draws = 0;
  for (int count : counts) draws += count;
  double sum = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double expected = draws * probabilities[i];
    if (expected == 0) {
      EXPECT_EQ(counts[i], 0) << "token " << i;
      continue;
    }
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return sum;
}

std::vector<double> Softmax(const std::vector<float>& logits,
                            double temperature, const std::set<TokenId>& kept) {
  std::vector<double> p(logits.size(), 0.0);
  double sum = 0;
  for (TokenId i : kept) {
    p[i] = std::exp(static_cast<double>(logits[i]) / temperature);
    sum += p[i];
  }
  for (double& x : p) x /= sum;
  return p;
}

std::set<TokenId> AllOf(const std::vector<float>& logits) {
  std::set<TokenId> all;
  for (size_t i = 0; i < logits.size(); ++i)
    all.insert(static_cast<TokenId>(i));
  return all;
}

TEST(Exp, AgreesWithTheCLibraryAndNeverGivesADenormal) {
  double worst = 0;
  for (int i = 0; i <= 700000; ++i) {
    const double x = -0.001 * i;
    if (x <= -700) break;
    worst = std::max(worst, std::abs(Exp(x) / std::exp(x) - 1));
  }
  EXPECT_LT(worst, 1e-15);
  EXPECT_EQ(Exp(0), 1);
  EXPECT_EQ(Exp(-701), 0);
  EXPECT_EQ(Exp(-INFINITY), 0);
  EXPECT_GE(Exp(-699.999), std::numeric_limits<double>::min());
}

TEST(Sampling, GreedyTakesTheBestAndTiesGoToTheLowerId) {
  SamplingParams params;
  params.temperature = 0;
  EXPECT_EQ(Sample({1, 5, 2, 5}, params), 1);
  params.temperature = -1;
  EXPECT_EQ(Sample({-3, -2, -2}, params), 1);
  EXPECT_EQ(Sample({kNaN, -2, kNaN}, params), 1);
  EXPECT_EQ(Sample({0, kInfinity, kInfinity}, params), 1);
}

TEST(Sampling, WithoutAnyPossibleTokenTheFirstIsTaken) {
  for (float temperature : {0.0f, 1.0f}) {
    SamplingParams params;
    params.temperature = temperature;
    EXPECT_EQ(Sample({-kInfinity, -kInfinity}, params), 0);
    EXPECT_EQ(Sample({kNaN, kNaN, -kInfinity}, params), 0);
  }
}

TEST(Sampling, InfinitiesAndNaNAreNeverAProblem) {
  EXPECT_EQ(Sample({0, kInfinity, 3e38f}, Plain()), 1);
  EXPECT_EQ(Sample({kNaN, -kInfinity, -3e38f}, Plain()), 2);
  EXPECT_EQ(Sample({3e38f, -3e38f}, Plain()), 0);
  SamplingParams params = Plain();
  params.typical_p = 0.5f;
  params.top_p = 0.5f;
  params.min_p = 0.5f;
  params.repeat_penalty = 1e30f;
  params.frequency_penalty = 1e38f;
  EXPECT_EQ(Sample({kInfinity, -3e38f, 3e38f, -kInfinity, kNaN}, params,
                   {1, 3, 4, 2, 2}),
            0);
}

// The 99.9 % quantile of chi-square with 7 degrees of freedom is 24.3; seeds
// are fixed, so this passes always or never.
TEST(Sampling, DrawsTheDistributionOfTheLogits) {
  const std::vector<float> logits = {0, 1, 2, -1, 0.5f, 1.5f, 2.5f, -2};
  for (float temperature : {0.5f, 1.0f, 2.0f}) {
    for (uint64_t seed : {0u, 1u, 77u}) {
      SamplingParams params = Plain();
      params.temperature = temperature;
      params.seed = seed;
      const auto counts = Histogram(logits, params, 40000);
      EXPECT_LT(ChiSquare(counts, Softmax(logits, temperature, AllOf(logits))),
                24.3)
          << "temperature " << temperature << ", seed " << seed;
    }
  }
}

TEST(Sampling, TemperatureComesAfterTheFilters) {
  const std::vector<float> logits = {3, 2, 1, 0, -1, 2.5f, 1.5f, 0.5f};
  SamplingParams params;
  params.temperature = 1.7f;
  params.top_k = 5;
  const auto counts = Histogram(logits, params, 40000);
  // Of the 5 best tokens {0, 5, 1, 6, 2} top-p keeps 0.95 at temperature 1;
  // 0.941 lies before the last of them. All are above min_p.
  EXPECT_LT(ChiSquare(counts, Softmax(logits, static_cast<double>(1.7f),
                                      {0, 5, 1, 6, 2})),
            18.5);
}

TEST(Sampling, IsAFunctionOfSeedAndPositionOnly) {
  Random random(3);
  std::vector<float> logits(50);
  for (float& logit : logits) logit = random.Uniform(-1, 1);
  SamplingParams params = Plain();
  params.seed = 9;
  const std::vector<TokenId> history(100, 1);
  std::vector<TokenId> forward, backward;
  SamplingScratch scratch;
  for (int i = 0; i < 100; ++i) {
    forward.push_back(
        SampleToken(logits, std::span(history).first(i), params, scratch));
  }
  for (int i = 99; i >= 0; --i) {
    // What was sampled in between, with the same scratch, does not show.
    const std::vector<float> other(1 + random.Below(200), 1.0f);
    SampleToken(other, {}, SamplingParams(), scratch);
    backward.push_back(
        SampleToken(logits, std::span(history).first(i), params, scratch));
  }
  std::reverse(backward.begin(), backward.end());
  EXPECT_EQ(forward, backward);

  SamplingParams other_seed = params;
  other_seed.seed = 10;
  int different = 0;
  for (int i = 0; i < 100; ++i) {
    different += SampleToken(logits, std::span(history).first(i), other_seed,
                             scratch) != forward[i];
  }
  EXPECT_GT(different, 50);
}

// Guards the promise "on every machine": a change of these tokens changes what
// users get for a seed. The values were also computed by an independent Python
// program that follows the definitions.
TEST(Sampling, KnownTokens) {
  std::vector<float> logits(1000);
  for (int i = 0; i < 1000; ++i) {
    logits[i] = static_cast<float>(i * 37 % 1000) * 0.01f;
  }
  std::vector<TokenId> history;
  SamplingScratch scratch;
  SamplingParams params;
  params.seed = 42;
  params.repeat_penalty = 1.1f;
  params.typical_p = 0.9f;
  for (int i = 0; i < 8; ++i) {
    history.push_back(SampleToken(logits, history, params, scratch));
  }
  EXPECT_EQ(history,
            (std::vector<TokenId>{810, 54, 189, 405, 108, 135, 945, 594}));
}

// ---- Each filter against its definition, written with a full sort.

using Filter = void (*)(Candidates&, double);

std::vector<double> RandomScores(Random& random) {
  std::vector<double> scores(1 + random.Below(700));
  const int values = random.Below(2) == 0 ? 6 : 1 << 20;  // few: many ties
  for (double& score : scores) {
    score = random.Below(values) * (8.0 / values);
    if (random.Below(20) == 0) score = -INFINITY;
  }
  scores[random.Below(static_cast<int>(scores.size()))] = 1;
  return scores;
}

std::vector<TokenId> TokensOf(const Candidates& candidates) {
  std::vector<TokenId> tokens;
  for (const Candidate& c : candidates.all()) tokens.push_back(c.token);
  return tokens;
}

// The shortest prefix of `order` that has the mass; ascending ids.
std::vector<TokenId> Prefix(const std::vector<TokenId>& order,
                            const std::vector<double>& p, double mass) {
  double total = 0;
  for (TokenId token = 0; token < static_cast<TokenId>(p.size()); ++token) {
    total += p[token];
  }
  std::vector<TokenId> kept;
  double sum = 0;
  for (TokenId token : order) {
    kept.push_back(token);
    sum += p[token];
    if (sum >= mass * total) break;
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

std::vector<TokenId> SortedBy(const std::vector<double>& key) {
  std::vector<TokenId> order(key.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<TokenId>(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](TokenId a, TokenId b) { return key[a] < key[b]; });
  return order;
}

std::vector<double> Negated(std::vector<double> values) {
  for (double& value : values) value = -value;
  return values;
}

std::vector<double> WeightsOf(const std::vector<double>& scores) {
  const double best = *std::max_element(scores.begin(), scores.end());
  std::vector<double> weights;
  for (double score : scores) weights.push_back(Exp(score - best));
  return weights;
}

TEST(Candidates, TopKIsTheHeadOfTheSortedVocabulary) {
  Random random(1);
  for (int round = 0; round < 2000; ++round) {
    const std::vector<double> scores = RandomScores(random);
    const int k = random.Below(4) == 0 ? 0 : 1 + random.Below(800);
    Candidates candidates;
    candidates.SelectTopK(scores, k);
    std::vector<TokenId> expected = SortedBy(Negated(scores));
    if (k > 0 && static_cast<size_t>(k) < expected.size()) expected.resize(k);
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(TokensOf(candidates), expected);
  }
}

TEST(Candidates, TopKOfAnAscendingVocabulary) {
  std::vector<double> scores(5000);
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<double>(i);
  Candidates candidates;
  candidates.SelectTopK(scores, 3);
  EXPECT_EQ(TokensOf(candidates), (std::vector<TokenId>{4997, 4998, 4999}));
}

TEST(Candidates, TopPIsTheShortestPrefixWithTheMass) {
  Random random(2);
  for (int round = 0; round < 1000; ++round) {
    const std::vector<double> scores = RandomScores(random);
    const double mass = random.Uniform();
    Candidates candidates;
    candidates.SelectTopK(scores, 0);
    candidates.KeepTopP(mass);
    ASSERT_EQ(TokensOf(candidates),
              Prefix(SortedBy(Negated(scores)), WeightsOf(scores), mass));
  }
}

TEST(Candidates, TypicalKeepsWhatIsNearestToTheEntropy) {
  Random random(3);
  int compared = 0;
  for (int round = 0; round < 1000; ++round) {
    const std::vector<double> scores = RandomScores(random);
    const double mass = random.Uniform();
    // As in the paper: |-log p - H|, with logarithms.
    const std::vector<double> weights = WeightsOf(scores);
    double total = 0;
    for (double weight : weights) total += weight;
    double entropy = 0;
    for (double weight : weights) {
      const double p = weight / total;
      if (p > 0) entropy -= p * std::log(p);
    }
    std::vector<double> distance;
    for (double weight : weights) {
      distance.push_back(std::abs(-std::log(weight / total) - entropy));
    }
    // Distances that differ only by rounding may be ordered either way.
    std::vector<double> sorted = distance;
    std::sort(sorted.begin(), sorted.end());
    bool clear = true;
    for (size_t i = 1; i < sorted.size(); ++i) {
      clear &= !(sorted[i] - sorted[i - 1] < 1e-9);
    }
    if (!clear) continue;
    ++compared;
    Candidates candidates;
    candidates.SelectTopK(scores, 0);
    candidates.KeepTypical(mass);
    ASSERT_EQ(TokensOf(candidates), Prefix(SortedBy(distance), weights, mass));
  }
  EXPECT_GT(compared, 20);
}

TEST(Candidates, MinPKeepsARatioOfTheBest) {
  Random random(4);
  for (int round = 0; round < 1000; ++round) {
    const std::vector<double> scores = RandomScores(random);
    const double ratio = random.Uniform();
    Candidates candidates;
    candidates.SelectTopK(scores, 0);
    candidates.KeepMinP(ratio);
    const std::vector<double> weights = WeightsOf(scores);
    std::vector<TokenId> expected;
    for (size_t i = 0; i < weights.size(); ++i) {
      if (weights[i] >= ratio) expected.push_back(static_cast<TokenId>(i));
    }
    ASSERT_EQ(TokensOf(candidates), expected);
  }
}

TEST(Candidates, EveryFilterKeepsAToken) {
  for (double mass : {0.0, 1.0}) {
    Candidates candidates;
    candidates.SelectTopK(std::vector<double>{1, 3, 2}, 1);
    candidates.KeepTypical(mass);
    candidates.KeepTopP(mass);
    candidates.KeepMinP(1.0);
    EXPECT_EQ(TokensOf(candidates), (std::vector<TokenId>{1}));
  }
}

// ---- Bias and penalties.

// The greedy choice between token 0, which is treated, and token 1, whose logit
// is `rival`.
TokenId Against(float logit, float rival, const SamplingParams& params,
                const std::vector<TokenId>& history) {
  SamplingParams greedy = params;
  greedy.temperature = 0;
  return Sample({logit, rival}, greedy, history);
}

// Does the treated logit become `expected`?
void ExpectPenalised(float logit, float expected, const SamplingParams& params,
                     const std::vector<TokenId>& history) {
  EXPECT_EQ(Against(logit, expected + 0.01f, params, history), 1);
  EXPECT_EQ(Against(logit, expected - 0.01f, params, history), 0);
}

TEST(Sampling, PenaltiesFollowTheirDefinitions) {
  SamplingParams repeat;
  repeat.repeat_penalty = 2;
  ExpectPenalised(3, 1.5f, repeat, {0, 0});
  ExpectPenalised(-3, -6, repeat, {0});
  ExpectPenalised(3, 3, repeat, {2, 5, -1});  // not tokens: ignored

  SamplingParams frequency;
  frequency.frequency_penalty = 0.5f;
  ExpectPenalised(3, 1.5f, frequency, {0, 0, 0});

  SamplingParams presence;
  presence.presence_penalty = 0.5f;
  ExpectPenalised(3, 2.5f, presence, {0, 0, 0});

  SamplingParams all;
  all.repeat_penalty = 2;
  all.frequency_penalty = 0.25f;
  all.presence_penalty = 0.5f;
  all.logit_bias = {{0, 1.0f}};
  ExpectPenalised(3, 1, all, {0, 0});  // (3 + 1) / 2 - 2 * 0.25 - 0.5
}

TEST(Sampling, PenaltiesSeeOnlyTheWindow) {
  SamplingParams params;
  params.frequency_penalty = 1;
  const std::vector<TokenId> history = {0, 0, 2, 0, 2};
  for (const auto& [window, count] :
       std::map<int, int>{{0, 0}, {1, 0}, {2, 1}, {4, 2}, {9, 3}, {-1, 3}}) {
    params.penalty_window = window;
    SamplingParams greedy = params;
    greedy.temperature = 0;
    const float rival = 5.0f - static_cast<float>(count);
    EXPECT_EQ(Sample({5, rival + 0.1f, -9}, greedy, history), 1) << window;
    EXPECT_EQ(Sample({5, rival - 0.1f, -9}, greedy, history), 0) << window;
  }
}

TEST(Sampling, BiasCanForbidAndForce) {
  SamplingParams params = Plain();
  params.logit_bias = {{0, -kInfinity}, {2, 1000.0f}};
  EXPECT_EQ(Sample({100, 1, 0}, params), 2);
  params.logit_bias = {{0, -kInfinity}, {1, -kInfinity}};
  EXPECT_EQ(Sample({100, 1, 0}, params), 2);
}

TEST(Sampling, ValidationNamesTheParameterAndItsValue) {
  const auto error_of = [](auto change) -> std::string {
    SamplingParams params;
    change(params);
    const Status status = ValidateSampling(params, 100);
    return status.ok() ? "" : status.error().message;
  };
  EXPECT_EQ(error_of([](SamplingParams&) {}), "");
  EXPECT_EQ(error_of([](SamplingParams& p) { p.temperature = kInfinity; }),
            "temperature: must be finite, is inf");
  EXPECT_EQ(error_of([](SamplingParams& p) { p.top_p = 1.5f; }),
            "top_p: must be between 0 and 1, is 1.5");
  EXPECT_EQ(error_of([](SamplingParams& p) { p.min_p = -0.5f; }),
            "min_p: must be between 0 and 1, is -0.5");
  EXPECT_EQ(error_of([](SamplingParams& p) { p.typical_p = kNaN; }),
            "typical_p: must be between 0 and 1, is nan");
  EXPECT_EQ(error_of([](SamplingParams& p) { p.penalty_window = -2; }),
            "penalty_window: must be -1 (all) or more, is -2");
  for (float value : {0.0f, -1.0f, kNaN, kInfinity, 1e-45f}) {
    EXPECT_NE(error_of([=](SamplingParams& p) { p.repeat_penalty = value; }),
              "");
  }
  EXPECT_NE(error_of([](SamplingParams& p) { p.frequency_penalty = kNaN; }),
            "");
  EXPECT_NE(error_of([](SamplingParams& p) { p.presence_penalty = kNaN; }), "");
  EXPECT_EQ(error_of([](SamplingParams& p) {
              p.logit_bias = {{100, 1.0f}};
            }),
            "logit_bias: token 100, the vocabulary has 100 tokens");
  EXPECT_NE(error_of([](SamplingParams& p) {
              p.logit_bias = {{-1, 1.0f}};
            }),
            "");
  EXPECT_NE(error_of([](SamplingParams& p) {
              p.logit_bias = {{1, kNaN}};
            }),
            "");
  EXPECT_EQ(error_of([](SamplingParams& p) {
              p.logit_bias = {{1, -kInfinity}};
            }),
            "");
}

TEST(Sampling, SteadyStateAllocatesNothing) {
  Random random(6);
  std::vector<float> logits(5000);
  for (float& logit : logits) logit = random.Uniform(-8, 8);
  const std::vector<TokenId> history(200, 7);
  SamplingParams greedy;
  greedy.temperature = 0;
  SamplingParams every = Plain();
  every.typical_p = 0.9f;
  every.top_p = 0.9f;
  every.repeat_penalty = 1.1f;
  for (const SamplingParams& params :
       {SamplingParams(), greedy, every, Plain()}) {
    SamplingScratch scratch;
    int64_t before = AllocationCount();
    SampleToken(logits, history, params, scratch);
    EXPECT_GT(AllocationCount() - before, 0);  // the counter counts
    before = AllocationCount();
    for (int i = 1; i < 100; ++i) {
      SampleToken(logits, std::span(history).first(i), params, scratch);
    }
    EXPECT_EQ(AllocationCount() - before, 0);
  }
}

}  // namespace
}  // namespace braid
