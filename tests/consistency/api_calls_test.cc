// A few thousand of the calls that the nightly run makes under ASan
// (api_calls_main.cc).
#include "tests/consistency/api_calls.h"

#include <gtest/gtest.h>

#include "braid/model.h"

namespace braid {
namespace {

class ApiCallsTest : public testing::TestWithParam<TinyKind> {};

TEST_P(ApiCallsTest, WrongArgumentsAreRefusedAndChangeNothing) {
  const auto tokenizer =
      LoadTokenizer(BRAID_SOURCE_DIR "/models/braid-prose-3.6m-f16.gguf");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  const CallTally tally = MakeRandomCalls(GetParam(), **tokenizer, 1, 1500);
  EXPECT_EQ(tally.failure, "");
  EXPECT_GT(tally.refused, 100);
  EXPECT_GT(tally.accepted, 100);
  EXPECT_GT(tally.compared, 100);
}

INSTANTIATE_TEST_SUITE_P(Models, ApiCallsTest,
                         testing::Values(TinyKind::kMamba, TinyKind::kGemma3,
                                         TinyKind::kT5, TinyKind::kBert,
                                         TinyKind::kHybrid),
                         [](const auto& param_info) {
                           return ToText(param_info.param);
                         });

}  // namespace
}  // namespace braid
