// Random programs that failed once (tests/consistency/program.h), as they were
// shrunk.
#include "tests/consistency/program.h"

#include <gtest/gtest.h>

#include "tests/consistency/program_search.h"

namespace braid::programs {
namespace {

std::vector<TokenId> Ones(size_t count) {
  return std::vector<TokenId>(count, 1);
}

Step Decoded(std::vector<Piece> pieces, std::vector<Text> texts = {}) {
  return {.operation = Operation::kDecode,
          .texts = std::move(texts),
          .pieces = std::move(pieces)};
}

Step Of(Operation operation, std::vector<SequenceId> sequences, int count = 0) {
  return {.operation = operation,
          .sequences = std::move(sequences),
          .count = count};
}

void ExpectPasses(std::string_view kind, const Program& program) {
  const Subject subject = MakeSubject(kind);
  Alone oracle(subject);
  EXPECT_EQ(RunProgram(subject, oracle, program).failure, "")
      << ToText(program);
}

// What is evaluated again was refused because it is longer than a ubatch, when
// the sequence had gone back already.
TEST(ProgramIssueTest, EvaluatingAgainIsCutWhateverThePolicy) {
  EngineOptions options{.context = 100,
                        .max_ubatch = 2,
                        .threads = 1,
                        .split = SplitPolicy::kWhole,
                        .checkpoint_every = 4};
  Program program{.options = options, .steps = {}};
  for (int i = 0; i < 4; ++i) {
    program.steps.push_back(Decoded({{{0}, Ones(2), Want::kNothing}}));
  }
  program.steps.push_back(Of(Operation::kRollback, {0}, 1));
  program.steps.push_back(Decoded({{{0}, Ones(1), Want::kLogits}}));
  ExpectPasses("mamba2", program);
}

// The first sequence of a shared run had no mark of its pooled rows where the
// second had asked for a checkpoint, and its marks became the second's.
TEST(ProgramIssueTest, SequencesThatPoolTogetherKeepTheirCheckpoints) {
  const Piece pooled{{1, 0}, Ones(1), Want::kPooled};
  ExpectPasses(
      "rwkv6",
      {.options = {.max_sequences = 2, .threads = 1, .pooling = Pooling::kMean},
       .steps = {Decoded({pooled}), Of(Operation::kCheckpoint, {0}),
                 Decoded({pooled}), Of(Operation::kRollback, {0}, 1)}});
}

// Going back was refused after the sequence had gone back to its mark, when the
// tokens behind that did not fit.
TEST(ProgramIssueTest, PooledTokensThatDoNotFitAgainStay) {
  Program program{.options = {.context = 40,
                              .max_sequences = 2,
                              .threads = 1,
                              .pooling = Pooling::kMean},
                  .steps = {}};
  program.steps = {Decoded({{{0}, Ones(1), Want::kPooled}}),
                   Of(Operation::kCheckpoint, {0}),
                   Decoded({{{0}, Ones(29), Want::kPooled}}),
                   Of(Operation::kFork, {0, 1}),
                   Decoded({{{1}, Ones(5), Want::kPooled}}),
                   Of(Operation::kRollback, {0}, 1),
                   Decoded({{{0}, Ones(1), Want::kPooled}})};
  ExpectPasses("llama", program);
}

// Encoder texts were not counted against the limit in bytes.
TEST(ProgramIssueTest, EncoderTextsCountAsBytes) {
  Program program{.options = {.context = 1024,
                              .max_sequences = 8,
                              .threads = 1,
                              .memory_limit = size_t{1} << 16},
                  .steps = {}};
  for (SequenceId id = 0; id < 8; ++id) {
    program.steps.push_back(Decoded({}, {{{id}, Ones(30)}}));
  }
  ExpectPasses("t5", program);
}

}  // namespace
}  // namespace braid::programs
