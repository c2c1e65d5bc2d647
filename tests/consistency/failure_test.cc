// Memory, mappings and threads that are not there: a sample of all points, of
// the kinds of memory that there are. The nightly run tries every point of
// every model (failure_main.cc).
#include <gtest/gtest.h>

#include "tests/consistency/failures.h"

namespace braid {
namespace {

class FailureTest : public testing::TestWithParam<TinyKind> {};

TEST_P(FailureTest, EveryOperationFailsAsAnErrorAndCanBeTriedAgain) {
  FailureTally tally;
  for (int i = 0; i <= static_cast<int>(kLastFailingOperation); ++i) {
    const auto operation = static_cast<FailingOperation>(i);
    for (const Failing failing : {Failing::kOnce, Failing::kFromThenOn}) {
      tally.Add(FailOperation(GetParam(), operation, failing, 12));
    }
  }
  EXPECT_EQ(tally.failure, "");
  EXPECT_GT(tally.points, 100);
  EXPECT_GT(tally.errors, 100);
  RecordProperty("points", static_cast<int>(tally.points));
}

INSTANTIATE_TEST_SUITE_P(Models, FailureTest,
                         testing::Values(TinyKind::kMamba, TinyKind::kLlama,
                                         TinyKind::kGemma3, TinyKind::kT5,
                                         TinyKind::kJamba, TinyKind::kBert,
                                         TinyKind::kHybrid),
                         [](const auto& param_info) {
                           return ToText(param_info.param);
                         });

TEST(LoadingFailureTest, IsAnError) {
  for (const Failing failing : {Failing::kOnce, Failing::kFromThenOn}) {
    const FailureTally tally = FailLoading(
        BRAID_SOURCE_DIR "/models/braid-prose-3.6m-f16.gguf", failing, 25);
    EXPECT_EQ(tally.failure, "");
    EXPECT_GE(tally.points, 20);
    EXPECT_GE(tally.errors, 20);
  }
}

}  // namespace
}  // namespace braid
