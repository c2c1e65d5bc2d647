// Can random programs fail? On an engine with a fault they must, soon, and the
// program that is left must be short.
#include <gtest/gtest.h>

#include <cstdio>
#include <ostream>
#include <string>

#include "tests/consistency/program_hash_engine.h"
#include "tests/consistency/program_search.h"

namespace braid::programs {
namespace {

TEST(ProgramSelfTest, AnEngineWithoutFaultPasses) {
  const Subject subject = MakeHashSubject(Fault::kNone);
  Alone oracle(subject);
  Tally tally;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Outcome outcome = RunSeed(subject, oracle, seed);
    ASSERT_EQ(outcome.failure, "")
        << "seed " << seed << "\n"
        << ToText(Shrink(subject, oracle, outcome, 500).program);
    EXPECT_GE(outcome.tally.AllSteps(), 20);
    EXPECT_GE(outcome.tally.tokens, 200);
    tally.Add(outcome.tally);
  }
  for (int i = 0; i < kOperations; ++i) {
    EXPECT_GE(50 * tally.steps[i], tally.AllSteps())
        << NameOf(static_cast<Operation>(i))
        << " is less than 2 % of the steps";
  }
  std::printf("hash: %s\n", tally.ToText().c_str());
}

TEST(ProgramSelfTest, TheSameSeedIsTheSameProgram) {
  const Subject subject = MakeHashSubject(Fault::kNone);
  Alone oracle(subject);
  const std::string text = ToText(RunSeed(subject, oracle, 5).program);
  EXPECT_EQ(text, ToText(RunSeed(subject, oracle, 5).program));
  EXPECT_NE(text, ToText(RunSeed(subject, oracle, 6).program));
}

struct Case {
  Fault fault;
  const char* name;
};

void PrintTo(const Case& fault, std::ostream* out) { *out << fault.name; }

class FaultTest : public testing::TestWithParam<Case> {};

TEST_P(FaultTest, IsFoundAndShrunk) {
  const Subject subject = MakeHashSubject(GetParam().fault);
  const Subject right = MakeHashSubject(Fault::kNone);
  Alone oracle(right);
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Outcome outcome = RunSeed(subject, oracle, seed);
    if (!outcome.failed()) continue;
    const Outcome small = Shrink(subject, oracle, outcome, 2000);
    EXPECT_TRUE(small.failed());
    EXPECT_LE(small.program.steps.size(), 4u);
    std::printf("%s: seed %d, %zu steps -> %zu: %s\n%s", GetParam().name,
                static_cast<int>(seed), outcome.program.steps.size(),
                small.program.steps.size(), small.failure.c_str(),
                ToText(small.program).c_str());
    return;
  }
  FAIL() << "not found in 100 programs";
}

INSTANTIATE_TEST_SUITE_P(
    All, FaultTest,
    testing::Values(Case{Fault::kForkNotCopied, "ForkNotCopied"},
                    Case{Fault::kRollbackShort, "RollbackShort"},
                    Case{Fault::kRestoreSwaps, "RestoreSwaps"},
                    Case{Fault::kRefusedBegins, "RefusedBegins"},
                    Case{Fault::kCancelForgets, "CancelForgets"},
                    Case{Fault::kSharedSeesLast, "SharedSeesLast"},
                    Case{Fault::kPooledByCall, "PooledByCall"}),
    [](const auto& param_info) { return std::string(param_info.param.name); });

}  // namespace
}  // namespace braid::programs
