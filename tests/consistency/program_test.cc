// Random programs: whatever a sequence has lived through, it says what its
// tokens say alone. `braid_programs` runs any number of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "tests/consistency/program_search.h"

namespace braid::programs {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kPrograms = 20;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr uint64_t kPrograms = 20;
#else
constexpr uint64_t kPrograms = 300;
#endif
#else
constexpr uint64_t kPrograms = 300;
#endif

class ProgramTest : public testing::TestWithParam<std::string> {};

TEST_P(ProgramTest, SaysWhatItsTokensSayAlone) {
  const Subject subject = MakeSubject(GetParam());
  Alone oracle(subject);
  Tally tally;
  for (uint64_t seed = 0; seed < kPrograms; ++seed) {
    const Outcome outcome = RunSeed(subject, oracle, seed);
    if (outcome.failed()) {
      const Outcome small = Shrink(subject, oracle, outcome, 1000);
      FAIL() << "seed " << seed << ": " << small.failure << "\n"
             << ToText(small.program);
    }
    ASSERT_GE(outcome.tally.AllSteps(), 20) << "seed " << seed;
    ASSERT_GE(outcome.tally.tokens, 200) << "seed " << seed;
    tally.Add(outcome.tally);
  }
  std::printf("programs: %s: %s\n", GetParam().c_str(), tally.ToText().c_str());
}

INSTANTIATE_TEST_SUITE_P(Kinds, ProgramTest, testing::ValuesIn(SubjectNames()),
                         [](const auto& param_info) {
                           return param_info.param;
                         });

}  // namespace
}  // namespace braid::programs
