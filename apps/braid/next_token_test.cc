#include "apps/braid/next_token.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace braid::cli {
namespace {

constexpr float kForbidden = -INFINITY;
const std::vector<TokenId> kHistory = {2, 2, 2};

std::string ErrorOf(const std::vector<float>& logits,
                    const SamplingParams& params) {
  SamplingScratch scratch;
  const auto token = NextToken(logits, kHistory, params, scratch);
  return token.ok() ? "" : token.error().message;
}

TEST(NextTokenTest, IsTheSampledOne) {
  SamplingScratch scratch;
  for (const float temperature : {0.0f, 1.0f}) {
    SamplingParams params;
    params.temperature = temperature;
    params.logit_bias = {{0, kForbidden}, {1, kForbidden}};
    const auto token =
        NextToken(std::vector<float>{9, 8, -100}, kHistory, params, scratch);
    ASSERT_TRUE(token.ok());
    EXPECT_EQ(*token, 2);
  }
}

TEST(NextTokenTest, EveryTokenForbiddenIsAnError) {
  SamplingParams params;
  params.logit_bias = {{0, kForbidden}, {1, kForbidden}};
  EXPECT_EQ(ErrorOf({1, 2}, params),
            "nothing can follow 3 tokens: every token is forbidden "
            "(--logit-bias, --ignore-eos)");
  EXPECT_NE(ErrorOf({kForbidden, kForbidden}, {}), "");
  EXPECT_EQ(ErrorOf({kForbidden, 0}, {}), "");
}

TEST(NextTokenTest, NanIsAnError) {
  EXPECT_EQ(ErrorOf({1, NAN}, {}),
            "the model's logits after 3 tokens are NaN: its file is damaged, "
            "or its numbers overflow");
}

}  // namespace
}  // namespace braid::cli
