#include "apps/braid/kl_divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace braid::cli {
namespace {

using Row = std::vector<float>;

TEST(KlDivergenceTest, OfAModelFromItselfIsNothing) {
  KlDivergence divergence;
  const Row logits = {std::log(0.5f), std::log(0.25f), std::log(0.25f)};
  divergence.Add(logits, logits, 1);
  EXPECT_NEAR(divergence.MeanDivergence(), 0, 1e-7);
}

// Base (1/2, 1/2) against (3/4, 1/4): (ln(2/3) + ln 2) / 2.
TEST(KlDivergenceTest, OfTwoCoins) {
  KlDivergence divergence;
  const Row base = {std::log(0.5f), std::log(0.5f)};
  const Row logits = {std::log(0.75f) + 3, std::log(0.25f) + 3};
  for (const TokenId token : {0, 1}) divergence.Add(logits, base, token);
  EXPECT_NEAR(divergence.MeanDivergence(),
              (std::log(2.0 / 3) + std::log(2.0)) / 2, 1e-6);
  const std::string summary = divergence.Summary();
  // exp(-(ln 0.75 + ln 0.25) / 2) and 2.
  EXPECT_NE(summary.find("Mean PPL(Q)                   :   2.309401"),
            std::string::npos)
      << summary;
  EXPECT_NE(summary.find("Mean PPL(base)                :   2.000000"),
            std::string::npos)
      << summary;
  EXPECT_NE(summary.find("RMS Δp    : 25.000"), std::string::npos) << summary;
  EXPECT_NE(divergence.Line(1).find("   1          2.3094"), std::string::npos)
      << divergence.Line(1);
}

}  // namespace
}  // namespace braid::cli
