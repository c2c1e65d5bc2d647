#include "batch/splitter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "batch/validate.h"
#include "tests/support/allocation_counter.h"

namespace braid {
namespace {

constexpr SplitPolicy kPolicies[] = {SplitPolicy::kRagged, SplitPolicy::kEqual,
                                     SplitPolicy::kSimple, SplitPolicy::kWhole};

// (sequence, length) of every run, in order.
using Shape = std::vector<std::pair<SequenceId, int>>;

std::vector<Shape> ShapesOf(std::span<const UBatch> ubatches) {
  std::vector<Shape> shapes;
  for (const UBatch& ubatch : ubatches) {
    Shape& shape = shapes.emplace_back();
    for (size_t i = 0; i < ubatch.runs.size(); ++i) {
      shape.emplace_back(ubatch.sequences[i], ubatch.runs[i].length);
    }
  }
  return shapes;
}

// One sequence after another, `lengths[s]` tokens for sequence s.
Batch BatchOf(const std::vector<int>& lengths) {
  Batch batch;
  for (size_t s = 0; s < lengths.size(); ++s) {
    for (int i = 0; i < lengths[s]; ++i) {
      batch.Add(i, i, static_cast<SequenceId>(s), Want::kNothing);
    }
  }
  return batch;
}

std::vector<Shape> Split(SplitPolicy policy, int max_rows, const Batch& batch) {
  Splitter splitter(policy, max_rows);
  const auto ubatches = splitter.Split(batch);
  EXPECT_TRUE(ubatches.ok());
  return ShapesOf(*ubatches);
}

TEST(Splitter, RaggedIsFullAndFair) {
  // Level 3, and the two spare rows go to the first that can use them.
  EXPECT_EQ(Split(SplitPolicy::kRagged, 12, BatchOf({10, 1, 20, 5})),
            (std::vector<Shape>{{{0, 4}, {1, 1}, {2, 4}, {3, 3}},
                                {{0, 5}, {2, 5}, {3, 2}},
                                {{0, 1}, {2, 11}}}));
  // More sequences than rows.
  EXPECT_EQ(Split(SplitPolicy::kRagged, 2, BatchOf({1, 1, 2})),
            (std::vector<Shape>{{{0, 1}, {1, 1}}, {{2, 2}}}));
}

TEST(Splitter, EqualRunsShareOneLength) {
  EXPECT_EQ(Split(SplitPolicy::kEqual, 12, BatchOf({10, 1, 20, 5})),
            (std::vector<Shape>{{{0, 1}, {1, 1}, {2, 1}, {3, 1}},
                                {{0, 4}, {2, 4}, {3, 4}},
                                {{0, 5}, {2, 5}},
                                {{2, 10}}}));
  EXPECT_EQ(Split(SplitPolicy::kEqual, 7, BatchOf({9, 9})),
            (std::vector<Shape>{
                {{0, 3}, {1, 3}}, {{0, 3}, {1, 3}}, {{0, 3}, {1, 3}}}));
}

TEST(Splitter, SimpleFollowsCallOrder) {
  Batch batch;
  for (int i = 0; i < 5; ++i) {
    batch.Add(i, i, 7, Want::kNothing);
    batch.Add(i, i, 2, Want::kNothing);
  }
  EXPECT_EQ(Split(SplitPolicy::kSimple, 5, batch),
            (std::vector<Shape>{{{7, 3}, {2, 2}}, {{7, 2}, {2, 3}}}));
}

TEST(Splitter, WholeSequencesShareAUBatchWhileTheyFit) {
  EXPECT_EQ(
      Split(SplitPolicy::kWhole, 10, BatchOf({6, 5, 4, 10, 1})),
      (std::vector<Shape>{{{0, 6}, {2, 4}}, {{1, 5}, {4, 1}}, {{3, 10}}}));
}

TEST(Splitter, WholeNamesTheSequenceThatIsTooLong) {
  Splitter splitter(SplitPolicy::kWhole, 10);
  const auto ubatches = splitter.Split(BatchOf({6, 11}));
  ASSERT_FALSE(ubatches.ok());
  EXPECT_EQ(ubatches.error().message,
            "sequence 1 has 11 tokens that must not be cut, a ubatch holds 10: "
            "raise -ub");
}

TEST(Splitter, RowsKeepWhatTheCallerAsked) {
  Batch batch;
  batch.Add(10, 4, 1, Want::kLogits);
  batch.Add(20, 0, 0, Want::kNothing);
  batch.Add(11, 5, 1, Want::kNothing);
  batch.Add(21, 1, 0, Want::kLogits);
  Splitter splitter(SplitPolicy::kRagged, 8);
  const auto ubatches = splitter.Split(batch);
  ASSERT_TRUE(ubatches.ok());
  ASSERT_EQ(ubatches->size(), 1u);
  const UBatch& ubatch = (*ubatches)[0];
  EXPECT_EQ(ubatch.tokens, (std::vector<TokenId>{10, 11, 20, 21}));
  EXPECT_EQ(ubatch.positions, (std::vector<Position>{4, 5, 0, 1}));
  EXPECT_EQ(ubatch.batch_index, (std::vector<int32_t>{0, 2, 1, 3}));
  EXPECT_EQ(ubatch.wanted_rows, (std::vector<int32_t>{0, 3}));
  EXPECT_EQ(ubatch.sequences, (std::vector<SequenceId>{1, 0}));
  EXPECT_EQ(ubatch.runs[0].first_position, 4);
  EXPECT_EQ(ubatch.runs[1].begin, 2);
}

// A random interleaving of sequences with random lengths.
Batch RandomBatch(Random& random) {
  const int sequences = 1 + random.Below(9);
  std::vector<int> next(sequences);
  for (int& position : next) position = random.Below(100);
  Batch batch;
  const int size = 1 + random.Below(120);
  int sequence = 0;
  for (int i = 0; i < size; ++i) {
    // Sometimes long stretches of one sequence, sometimes a mixture.
    if (random.Below(1 + random.Below(8)) == 0) {
      sequence = random.Below(sequences);
    }
    batch.Add(random.Below(1000), next[sequence]++, sequence,
              random.Below(3) == 0 ? Want::kLogits : Want::kNothing);
  }
  return batch;
}

int LongestSequence(const Batch& batch) {
  std::vector<int> lengths(16);
  for (int i = 0; i < batch.size(); ++i) ++lengths[batch[i].sequence];
  return *std::max_element(lengths.begin(), lengths.end());
}

// What every policy promises: each entry once, runs as ubatch.h describes, and
// position order within each sequence across all ubatches.
void ExpectFaithful(const Batch& batch, std::span<const UBatch> ubatches,
                    int max_rows) {
  std::vector<int> seen(batch.size());
  std::vector<Position> last(16, -1);
  for (const UBatch& ubatch : ubatches) {
    ASSERT_GE(ubatch.rows(), 1);
    ASSERT_LE(ubatch.rows(), max_rows);
    ASSERT_EQ(ubatch.positions.size(), ubatch.tokens.size());
    ASSERT_EQ(ubatch.batch_index.size(), ubatch.tokens.size());
    ASSERT_EQ(ubatch.runs.size(), ubatch.sequences.size());
    std::vector<SequenceId> sorted = ubatch.sequences;
    std::sort(sorted.begin(), sorted.end());
    ASSERT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end());

    std::vector<int32_t> wanted;
    int row = 0;
    for (size_t i = 0; i < ubatch.runs.size(); ++i) {
      const Run& run = ubatch.runs[i];
      const SequenceId sequence = ubatch.sequences[i];
      ASSERT_EQ(run.begin, row);
      ASSERT_GE(run.length, 1);
      ASSERT_EQ(run.source, kNoCell);
      ASSERT_EQ(run.destination, kNoCell);
      for (int j = 0; j < run.length; ++j, ++row) {
        const Batch::Entry& entry = batch[ubatch.batch_index[row]];
        ++seen[ubatch.batch_index[row]];
        ASSERT_EQ(entry.sequence, sequence);
        ASSERT_EQ(entry.token, ubatch.tokens[row]);
        ASSERT_EQ(entry.position, ubatch.positions[row]);
        ASSERT_EQ(entry.position, run.first_position + j);
        if (last[sequence] >= 0) {
          ASSERT_EQ(entry.position, last[sequence] + 1);
        }
        last[sequence] = entry.position;
        if (entry.want == Want::kLogits) wanted.push_back(row);
      }
    }
    ASSERT_EQ(row, ubatch.rows());
    ASSERT_EQ(wanted, ubatch.wanted_rows);
  }
  ASSERT_EQ(std::count(seen.begin(), seen.end(), 1), batch.size());
}

// What the policies promise beyond that.
void ExpectShape(SplitPolicy policy, const Batch& batch,
                 std::span<const UBatch> ubatches, int max_rows) {
  int done = 0;
  for (size_t u = 0; u < ubatches.size(); ++u) {
    const UBatch& ubatch = ubatches[u];
    const bool last = u + 1 == ubatches.size();
    switch (policy) {
      case SplitPolicy::kRagged:
        ASSERT_TRUE(last || ubatch.rows() == max_rows);
        // Fair: only a sequence that is finished has fewer rows, up to one.
        for (size_t i = 0; i < ubatch.runs.size() && !last; ++i) {
          const auto& next = ubatches[u + 1].sequences;
          if (std::count(next.begin(), next.end(), ubatch.sequences[i]) == 0) {
            continue;
          }
          for (const Run& other : ubatch.runs) {
            ASSERT_GE(ubatch.runs[i].length, other.length - 1);
          }
        }
        break;
      case SplitPolicy::kEqual:
        for (const Run& run : ubatch.runs) {
          ASSERT_EQ(run.length, ubatch.runs[0].length);
        }
        break;
      case SplitPolicy::kSimple:
        ASSERT_TRUE(last || ubatch.rows() == max_rows);
        for (int32_t index : ubatch.batch_index) {
          ASSERT_GE(index, done);
          ASSERT_LT(index, done + ubatch.rows());
        }
        break;
      case SplitPolicy::kWhole:
        for (size_t i = 0; i < ubatch.runs.size(); ++i) {
          int length = 0;
          for (int j = 0; j < batch.size(); ++j) {
            length += batch[j].sequence == ubatch.sequences[i];
          }
          ASSERT_EQ(ubatch.runs[i].length, length);
        }
        break;
    }
    done += ubatch.rows();
  }
}

TEST(Splitter, RandomBatchesKeepEveryPromise) {
  Random random(1);
  for (int round = 0; round < 1000; ++round) {
    const Batch batch = RandomBatch(random);
    for (SplitPolicy policy : kPolicies) {
      int max_rows = 1 + random.Below(64);
      if (policy == SplitPolicy::kWhole) max_rows += LongestSequence(batch);
      Splitter splitter(policy, max_rows);
      const auto ubatches = splitter.Split(batch);
      ASSERT_TRUE(ubatches.ok()) << ubatches.error().message;
      ASSERT_NO_FATAL_FAILURE(ExpectFaithful(batch, *ubatches, max_rows));
      ASSERT_NO_FATAL_FAILURE(ExpectShape(policy, batch, *ubatches, max_rows));
    }
  }
}

// Old content of the reused buffers must not show.
TEST(Splitter, ASplitterIsAsGoodAsNew) {
  Random random(2);
  for (SplitPolicy policy : kPolicies) {
    Splitter used(policy, 130);
    for (int round = 0; round < 200; ++round) {
      const Batch batch = RandomBatch(random);
      const auto ubatches = used.Split(batch);
      ASSERT_TRUE(ubatches.ok());
      ASSERT_NO_FATAL_FAILURE(ExpectFaithful(batch, *ubatches, 130));
      ASSERT_EQ(ShapesOf(*ubatches), Split(policy, 130, batch));
    }
  }
}

TEST(Splitter, SteadyStateAllocatesNothing) {
  Random random(3);
  std::vector<Batch> batches;
  for (int i = 0; i < 8; ++i) batches.push_back(RandomBatch(random));
  std::vector<Position> zeros(16, 0);
  BatchScratch scratch;
  for (SplitPolicy policy : kPolicies) {
    Splitter splitter(policy, 128);
    int64_t allocations = 0;
    for (int round = 0; round < 3; ++round) {
      const int64_t before = AllocationCount();
      for (const Batch& batch : batches) {
        ASSERT_TRUE(splitter.Split(batch).ok());
      }
      allocations = AllocationCount() - before;
      if (round == 0) {
        EXPECT_GT(allocations, 0);  // the counter counts
      }
    }
    EXPECT_EQ(allocations, 0);
  }

  const Batch valid = BatchOf({20, 30, 1});
  const BatchLimits limits{
      .max_tokens = 100, .vocabulary_size = 100, .next_positions = zeros};
  ASSERT_TRUE(ValidateBatch(valid, limits, scratch).ok());
  const int64_t before = AllocationCount();
  const bool ok = ValidateBatch(valid, limits, scratch).ok();
  EXPECT_EQ(AllocationCount() - before, 0);
  EXPECT_TRUE(ok);
}

}  // namespace
}  // namespace braid
