#include "apps/braid/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace braid::cli {
namespace {

TEST(StatisticsTest, PerplexityOfEqualChoices) {
  Likelihood likelihood;
  for (int i = 0; i < 10; ++i) likelihood.Add(-std::log(4.0));
  EXPECT_NEAR(likelihood.Perplexity(), 4, 1e-12);
  EXPECT_NEAR(likelihood.PerplexityError(), 0, 1e-6);
}

TEST(StatisticsTest, ErrorOfTheMean) {
  Sample sample;
  for (const double value : {1.0, 2.0, 3.0, 4.0}) sample.Add(value);
  EXPECT_DOUBLE_EQ(sample.Mean(), 2.5);
  EXPECT_NEAR(sample.Error(), std::sqrt(5.0 / 3 / 4), 1e-12);
}

// Values from Newcombe, "Two-sided confidence intervals for the single
// proportion", 1998, table I.
TEST(StatisticsTest, WilsonInterval) {
  const Interval many = WilsonInterval(81, 263);
  EXPECT_NEAR(many.low, 0.2553, 5e-5);
  EXPECT_NEAR(many.high, 0.3662, 5e-5);
  const Interval few = WilsonInterval(0, 20);
  EXPECT_NEAR(few.low, 0.0, 5e-5);
  EXPECT_NEAR(few.high, 0.1611, 5e-5);
  const Interval all = WilsonInterval(29, 29);
  EXPECT_NEAR(all.low, 0.8830, 5e-5);
  EXPECT_NEAR(all.high, 1.0, 5e-5);
}

}  // namespace
}  // namespace braid::cli
