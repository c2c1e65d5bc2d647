#include "batch/validate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/support/batch_judge.h"

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
  batch.Clear();
  batch.Add(1, 5, 1, Want::kLogits);
  batch.Add(1, 0, 0, Want::kPooled);
  EXPECT_EQ(error_of(batch), "");
  limits.pooling = false;
  EXPECT_NE(error_of(batch).find("batch entry 1: pooling is wanted"),
            std::string::npos);
  batch[0].want = Want::kScore;
  batch[0].target = 99;
  EXPECT_EQ(error_of(batch).find("batch entry 0"), std::string::npos);
  batch[0].target = 100;
  EXPECT_EQ(error_of(batch),
            "batch entry 0: target 100, the vocabulary has 100 tokens");
  batch[0].want = Want::kLogits;
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
    Batch other;
    other.Add(1, 0, 0, Want::kNothing);
    other.Add(1, 1, 0, Want::kNothing);
    other.Add(1, 2, sequence, Want::kNothing);
    EXPECT_EQ(ErrorOf(other), "batch entry 2: sequence " +
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

// Scores of several tokens behind one: every target is looked at.
TEST_F(ValidateBatchTest, EveryTargetIsAToken) {
  const TokenId targets[] = {99, 7, 100};
  const SequenceId set[] = {0};
  Batch batch;
  batch.AddScored(1, 0, set, std::span(targets).first(2));
  EXPECT_EQ(ErrorOf(batch), "");
  batch.AddScored(1, 1, set, targets);
  EXPECT_EQ(ErrorOf(batch),
            "batch entry 1: target 100, the vocabulary has 100 tokens");
}

// Sequences 0 to 3 hold 4, 4, 4 and 2 positions; 0 and 1 share all, 2 left
// them at position 3, 3 has nothing in common with any. 4 and 5 are empty.
class SharedTokensTest : public ::testing::Test {
 protected:
  static constexpr auto kShared = [](SequenceId a, SequenceId b) -> Position {
    if (std::max(a, b) > 2) return 0;
    return std::max(a, b) == 2 ? 3 : 4;
  };

  std::string Error(const Batch& batch) {
    const Status status = ValidateBatch(batch, limits_, scratch_);
    return status.ok() ? "" : status.error().message;
  }
  // Of one more entry, which is then taken away again.
  std::string ErrorOf(Position position, std::vector<SequenceId> set,
                      Want want = Want::kNothing) {
    Batch batch = batch_;
    batch.Add(1, position, set, want);
    return Error(batch);
  }

  std::vector<Position> next_positions_ = {4, 4, 4, 2, 0, 0};
  BatchLimits limits_{.max_tokens = 8,
                      .vocabulary_size = 100,
                      .next_positions = next_positions_,
                      .shared_positions = kShared};
  Batch batch_;
  BatchScratch scratch_;
};

TEST_F(SharedTokensTest, AreForSequencesThatShareTheirPast) {
  EXPECT_EQ(ErrorOf(4, {0, 1}), "");
  EXPECT_EQ(ErrorOf(4, {1, 0}), "");
  EXPECT_EQ(ErrorOf(0, {5, 4}), "");
  EXPECT_EQ(ErrorOf(4, {0, 1, 2}),
            "batch entry 0: sequences 0 and 2 have diverged at position 3: "
            "only what was forked or given together can get tokens together");
  EXPECT_EQ(
      ErrorOf(4, {2, 1}).substr(0, 66),
      "batch entry 0: sequences 2 and 1 have diverged at position 3: only");
  EXPECT_EQ(ErrorOf(4, {0, 3}),
            "batch entry 0: position 4 of sequence 3, expected 2");
  EXPECT_EQ(ErrorOf(0, {}), "batch entry 0: no sequence");
  EXPECT_EQ(ErrorOf(4, {0, 1, 0}), "batch entry 0: sequence 0 is named twice");
}

TEST_F(SharedTokensTest, ASetThatFellApartStaysApart) {
  const SequenceId both[] = {0, 1};
  batch_.Add(1, 4, both, Want::kNothing);
  batch_.Add(1, 5, 1, Want::kNothing);
  batch_.Add(1, 5, 0, Want::kNothing);
  EXPECT_EQ(ErrorOf(6, {0}), "");
  EXPECT_EQ(ErrorOf(6, {0, 1}).substr(0, 61),
            "batch entry 3: sequences 0 and 1 have diverged at position 5:");
}

// Two texts that were begun in this batch, one token each.
TEST_F(SharedTokensTest, EqualPositionsAreNotASharedPast) {
  batch_.Add(1, 0, 4, Want::kNothing);
  batch_.Add(1, 0, 5, Want::kNothing);
  EXPECT_EQ(ErrorOf(1, {4, 5}).substr(0, 61),
            "batch entry 2: sequences 4 and 5 have diverged at position 0:");
}

TEST_F(SharedTokensTest, LookAtOneEncoderText) {
  const std::vector<int32_t> texts = {0, 0, 0, 7, -1, -1};
  limits_.encoder_texts = texts;
  limits_.max_rows = 4;
  EXPECT_EQ(ErrorOf(4, {0, 1}), "");
  EXPECT_EQ(ErrorOf(0, {4, 5}),
            "batch entry 0: sequence 4 has no encoder text: add one with "
            "AddEncoder");
  const TokenId tokens[] = {1, 2};
  const SequenceId both[] = {4, 5};
  batch_.AddEncoder(tokens, both);
  EXPECT_EQ(ErrorOf(0, {5, 4}), "");
  batch_.AddEncoder(tokens, 5);
  EXPECT_EQ(Error(batch_),
            "encoder text 1: sequence 5 is not empty or has a text already: "
            "remove it first");
  batch_.Clear();
  batch_.AddEncoder(tokens, 4);
  batch_.AddEncoder(tokens, 5);
  EXPECT_EQ(ErrorOf(0, {4, 5}),
            "batch entry 0: sequences 4 and 5 look at different encoder texts");
  batch_.Clear();
  const SequenceId twice[] = {4, 4};
  batch_.AddEncoder(tokens, twice);
  EXPECT_EQ(Error(batch_), "encoder text 0: sequence 4 is named twice");
}

TEST_F(SharedTokensTest, ArePooledFromTheFirstOnOrNotAtAll) {
  const std::vector<uint8_t> pooled = {1, 1, 0, 0, 0, 1};
  limits_.pooled = pooled;
  EXPECT_EQ(ErrorOf(4, {0, 1}, Want::kPooled), "");
  EXPECT_EQ(ErrorOf(4, {0, 1}),
            "batch entry 0: no pooling is wanted, and the 4 tokens before it "
            "of sequence 0 were pooled: a sequence is pooled from its first "
            "token on or not at all");
  EXPECT_EQ(ErrorOf(4, {2}, Want::kPooled),
            "batch entry 0: pooling is wanted, and the 4 tokens before it of "
            "sequence 2 were not pooled: a sequence is pooled from its first "
            "token on or not at all");
  // What was pooled before a sequence was emptied does not count.
  EXPECT_EQ(ErrorOf(0, {4, 5}, Want::kPooled), "");
  EXPECT_EQ(ErrorOf(0, {4, 5}), "");
  batch_.Add(1, 0, 5, Want::kPooled);
  EXPECT_EQ(ErrorOf(1, {5}, Want::kPooled), "");
  EXPECT_NE(ErrorOf(1, {5}, Want::kLogits), "");
}

TEST_F(SharedTokensTest, AWholeTextKeepsItsSet) {
  limits_.whole_sequences = true;
  const SequenceId both[] = {4, 5};
  batch_.Add(1, 0, both, Want::kPooled);
  EXPECT_EQ(ErrorOf(1, {5, 4}, Want::kPooled), "");
  EXPECT_EQ(ErrorOf(1, {5}, Want::kPooled),
            "batch entry 1: 1 sequences, entry 0 of the same text has 2, and "
            "the model reads a text only as a whole");
  EXPECT_NE(ErrorOf(4, {0, 1}, Want::kPooled), "");
}

Batch MostlyValid(Random& random, const BatchLimits& limits) {
  const int sequences = static_cast<int>(limits.next_positions.size());
  std::vector<Position> next(limits.next_positions.begin(),
                             limits.next_positions.end());
  Batch batch;
  const int size = random.Below(10);
  for (int i = 0; i < size; ++i) {
    std::vector<SequenceId> set = {random.Below(sequences)};
    for (SequenceId s = 0; s < sequences; ++s) {
      // Mostly what can be added, or few batches would be valid.
      const bool fits = s != set[0] && next[s] == next[set[0]];
      if (random.Below(64) == 0 || (fits && random.Below(2) == 0)) {
        set.push_back(s);
      }
    }
    if (random.Below(16) == 0 && !limits.encoder_texts.empty()) {
      const TokenId text[] = {1, 2, 3};
      batch.AddEncoder(std::span(text).first(1 + random.Below(2)), set);
      continue;
    }
    const Position position = next[set[0]] + (random.Below(64) == 0);
    batch.Add(random.Below(10), position, set,
              random.Below(16) == 0 ? Want::kPooled : Want::kNothing);
    for (const SequenceId s : set) ++next[s];
  }
  return batch;
}

TEST(ValidateBatch, AgreesWithTheSimplestJudge) {
  Random random(7);
  BatchScratch scratch;
  int valid = 0;
  constexpr int kRounds = 20000;
  for (int round = 0; round < kRounds; ++round) {
    const int sequences = 1 + random.Below(6);
    const auto below = [&](int n) { return random.Below(n); };
    const RandomPast past(sequences, below,
                          [&] { return random.Below(3) * random.Below(5); });
    const auto shared = [&](SequenceId a, SequenceId b) {
      return past.Shared(a, b);
    };
    std::vector<uint8_t> pooled;
    std::vector<int32_t> texts;
    for (int s = 0; s < sequences; ++s) {
      pooled.push_back(random.Below(8) == 0);
      texts.push_back(random.Below(8) == 0 ? -1 : 0);
    }
    const BatchLimits limits{
        .max_tokens = 12,
        .vocabulary_size = 10,
        .next_positions = past.lengths(),
        .shared_positions = shared,
        .max_rows = 2,
        .encoder_texts = random.Below(3) == 0 ? std::span<const int32_t>(texts)
                                              : std::span<const int32_t>(),
        .pooled = random.Below(3) == 0 ? std::span<const uint8_t>(pooled)
                                       : std::span<const uint8_t>(),
        .whole_sequences = random.Below(8) == 0};
    const Batch batch = MostlyValid(random, limits);
    const bool accepted = ValidateBatch(batch, limits, scratch).ok();
    ASSERT_EQ(accepted, BatchJudge(batch, limits).Accepts()) << round;
    valid += accepted;
  }
  EXPECT_GT(valid, kRounds / 10);
  EXPECT_LT(valid, kRounds * 9 / 10);
}

}  // namespace
}  // namespace braid
