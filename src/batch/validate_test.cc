#include "batch/validate.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace braid {
namespace {

// Four sequences, of which 1 holds five tokens already.
class ValidateBatchTest : public ::testing::Test {
 protected:
  std::string ErrorOf(const Batch& batch, int max_tokens = 8) {
    const BatchLimits limits{.max_tokens = max_tokens,
                             .vocabulary_size = 100,
                             .next_positions = next_positions_};
    const Status status = ValidateBatch(batch, limits, scratch_);
    return status.ok() ? "" : status.error().message;
  }

  std::vector<Position> next_positions_ = {0, 5, 0, 0};
  BatchScratch scratch_;
};

TEST_F(ValidateBatchTest, AcceptsInterleavedSequences) {
  Batch batch;
  batch.Add(1, 0, 3, Want::kNothing);
  batch.Add(99, 5, 1, Want::kNothing);
  batch.Add(0, 1, 3, Want::kLogits);
  batch.Add(7, 6, 1, Want::kLogits);
  EXPECT_EQ(ErrorOf(batch), "");
  // Nothing was changed: the same batch is still right.
  EXPECT_EQ(ErrorOf(batch), "");
}

TEST_F(ValidateBatchTest, RefusesWhatTheModelLacks) {
  BatchLimits limits{.max_tokens = 8,
                     .vocabulary_size = 100,
                     .next_positions = next_positions_,
                     .positions = 6};
  const auto error_of = [&](const Batch& batch) {
    const Status status = ValidateBatch(batch, limits, scratch_);
    return status.ok() ? std::string() : status.error().message;
  };
  Batch batch;
  batch.Add(1, 5, 1, Want::kLogits);
  EXPECT_EQ(error_of(batch), "");
  batch.Add(1, 6, 1, Want::kHidden);
  EXPECT_EQ(error_of(batch),
            "batch entry 1: position 6 of sequence 1, the last possible one is "
            "5");
  batch[1] = {1, 0, 0, Want::kPooled};
  EXPECT_EQ(error_of(batch), "");
  limits.pooling = false;
  EXPECT_NE(error_of(batch).find("batch entry 1: pooling is wanted"),
            std::string::npos);
  batch[0] = {1, 5, 1, Want::kScore, 99};
  EXPECT_EQ(error_of(batch).find("batch entry 0"), std::string::npos);
  batch[0].target = 100;
  EXPECT_EQ(error_of(batch),
            "batch entry 0: target 100, the vocabulary has 100 tokens");
  batch[0] = {1, 5, 1, Want::kLogits};
  limits.logits = false;
  EXPECT_NE(error_of(batch).find("batch entry 0: logits are wanted"),
            std::string::npos);
  limits.whole_sequences = true;
  batch[0].want = Want::kHidden;
  EXPECT_NE(error_of(batch).find("sequence 1 holds 5 tokens already"),
            std::string::npos);
}

// Found by batch_fuzz: a negative limit was taken for a large one.
TEST_F(ValidateBatchTest, ALimitBelowZeroAllowsNothing) {
  Batch batch;
  batch.Add(1, 0, 0, Want::kNothing);
  EXPECT_EQ(ErrorOf(batch, -1),
            "the batch has 1 tokens, at most -1 are allowed: raise -b");
}

TEST_F(ValidateBatchTest, NamesTheEntryAndBothValues) {
  Batch empty;
  EXPECT_EQ(ErrorOf(empty), "the batch is empty");

  Batch batch;
  for (int i = 0; i < 9; ++i) batch.Add(1, i, 0, Want::kNothing);
  EXPECT_EQ(ErrorOf(batch),
            "the batch has 9 tokens, at most 8 are allowed: raise -b");
  EXPECT_EQ(ErrorOf(batch, 9), "");

  for (TokenId token : {-1, 100, std::numeric_limits<TokenId>::min()}) {
    batch[4].token = token;
    EXPECT_EQ(ErrorOf(batch, 9), "batch entry 4: token " +
                                     std::to_string(token) +
                                     ", the vocabulary has 100 tokens");
  }
  batch[4].token = 1;

  for (SequenceId sequence : {-1, 4, std::numeric_limits<SequenceId>::max()}) {
    batch[2].sequence = sequence;
    EXPECT_EQ(ErrorOf(batch, 9), "batch entry 2: sequence " +
                                     std::to_string(sequence) +
                                     ", there are 4 sequences, numbered from "
                                     "0 (-np)");
  }
}

TEST_F(ValidateBatchTest, PositionsNeitherSkipNorRepeat) {
  for (Position wrong : {-1, 0, 4, 6, std::numeric_limits<Position>::max()}) {
    Batch batch;
    batch.Add(1, 0, 0, Want::kNothing);
    batch.Add(1, wrong, 1, Want::kNothing);
    EXPECT_EQ(ErrorOf(batch), "batch entry 1: position " +
                                  std::to_string(wrong) +
                                  " of sequence 1, expected 5");
  }
  Batch batch;
  batch.Add(1, 5, 1, Want::kNothing);
  batch.Add(1, 5, 1, Want::kNothing);
  EXPECT_EQ(ErrorOf(batch),
            "batch entry 1: position 5 of sequence 1, expected 6");
}

TEST_F(ValidateBatchTest, TheLastPositionIsNotPassed) {
  const Position last = std::numeric_limits<Position>::max() - 1;
  next_positions_[2] = last;
  Batch batch;
  batch.Add(1, last, 2, Want::kNothing);
  EXPECT_EQ(ErrorOf(batch), "");
  batch.Add(1, last + 1, 2, Want::kNothing);
  EXPECT_EQ(ErrorOf(batch),
            "batch entry 1: position 2147483647 of sequence 2, the last "
            "possible one is 2147483646");
}

}  // namespace
}  // namespace braid
