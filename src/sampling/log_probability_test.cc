#include "sampling/log_probability.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace braid {
namespace {

TEST(LogProbabilityTest, EqualLogitsShareTheProbability) {
  const std::vector<float> logits(7, -3.5f);
  for (TokenId token = 0; token < 7; ++token) {
    EXPECT_NEAR(LogProbability(logits, token), -std::log(7.0), 1e-15);
  }
}

TEST(LogProbabilityTest, IsTheLogarithmOfTheSoftmax) {
  const std::vector<float> logits = {1.0f, 2.0f, -1.5f, 0.25f};
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit});
  for (TokenId token = 0; token < 4; ++token) {
    EXPECT_NEAR(LogProbability(logits, token), logits[token] - std::log(sum),
                1e-14);
  }
}

// e^1000 is no double, and e^-1000 is 0: only differences may count.
TEST(LogProbabilityTest, LargeLogitsDoNotOverflow) {
  const std::vector<float> logits = {1000.0f, 999.0f, -1000.0f};
  EXPECT_NEAR(LogProbability(logits, 0), -std::log1p(std::exp(-1.0)), 1e-12);
  EXPECT_NEAR(LogProbability(logits, 2), -2000.0 - std::log1p(std::exp(-1.0)),
              1e-9);
}

}  // namespace
}  // namespace braid
