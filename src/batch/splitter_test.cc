#include "batch/splitter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "batch/validate.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/batch_judge.h"

namespace braid {
namespace {

constexpr SplitPolicy kPolicies[] = {SplitPolicy::kRagged, SplitPolicy::kEqual,
                                     SplitPolicy::kSimple, SplitPolicy::kWhole};

// (first owner, length) of every run, in order.
using Shape = std::vector<std::pair<SequenceId, int>>;

std::vector<Shape> ShapesOf(std::span<const UBatch> ubatches) {
  std::vector<Shape> shapes;
  for (const UBatch& ubatch : ubatches) {
    Shape& shape = shapes.emplace_back();
    for (size_t i = 0; i < ubatch.runs.size(); ++i) {
      shape.emplace_back(ubatch.owners[i].front(), ubatch.runs[i].length);
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
  // Level 23, and the two spare rows go to the first that can use them.
  EXPECT_EQ(Split(SplitPolicy::kRagged, 80, BatchOf({60, 9, 100, 25})),
            (std::vector<Shape>{{{0, 24}, {1, 9}, {2, 24}, {3, 23}},
                                {{0, 36}, {2, 42}, {3, 2}},
                                {{2, 34}}}));
}

TEST(Splitter, RaggedCutsNoShorterThanARunIsWorth) {
  // Level 8: the text of 5 goes whole, the first of the others get 16 rows.
  EXPECT_EQ(Split(SplitPolicy::kRagged, 48, BatchOf({40, 9, 20, 5, 30, 10})),
            (std::vector<Shape>{{{0, 16}, {1, 9}, {2, 16}, {3, 5}, {4, 2}},
                                {{0, 17}, {2, 4}, {4, 17}, {5, 10}},
                                {{0, 7}, {4, 11}}}));
  // A ubatch that is smaller than such a run.
  EXPECT_EQ(Split(SplitPolicy::kRagged, 12, BatchOf({10, 1, 20, 5})),
            (std::vector<Shape>{
                {{0, 10}, {1, 1}, {2, 1}}, {{2, 7}, {3, 5}}, {{2, 12}}}));
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
  EXPECT_EQ(ubatch.owners.sequences, (std::vector<SequenceId>{1, 0}));
  EXPECT_EQ(ubatch.runs[0].first_position, 4);
  EXPECT_EQ(ubatch.runs[1].begin, 2);
}

// Two texts with a common beginning, as a scorer of endings has them.
Batch TwoTasks() {
  Batch batch;
  for (SequenceId task = 0; task < 6; task += 3) {
    const std::vector<SequenceId> all = {task, task + 1, task + 2};
    for (int i = 0; i < 4; ++i) batch.Add(i, i, all, Want::kNothing);
    for (const SequenceId s : all) {
      for (int i = 0; i <= s - task; ++i) {
        batch.Add(i, 4 + i, s, Want::kLogits);
      }
    }
  }
  return batch;
}

TEST(Splitter, EndingsWaitForWhatTheyShare) {
  // The endings of the first task do not wait for the second.
  EXPECT_EQ(Split(SplitPolicy::kRagged, 6, TwoTasks()),
            (std::vector<Shape>{{{0, 4}, {3, 2}},
                                {{0, 1}, {1, 2}, {2, 3}},
                                {{3, 2}},
                                {{3, 1}, {4, 2}, {5, 3}}}));
  EXPECT_EQ(
      Split(SplitPolicy::kEqual, 6, TwoTasks()),
      (std::vector<Shape>{{{0, 3}, {3, 3}},
                          {{0, 1}, {3, 1}},
                          {{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}},
                          {{1, 1}, {2, 1}, {4, 1}, {5, 1}},
                          {{2, 1}, {5, 1}}}));
  EXPECT_EQ(Split(SplitPolicy::kWhole, 8, TwoTasks()),
            (std::vector<Shape>{{{0, 4}, {3, 4}},
                                {{0, 1}, {1, 2}, {2, 3}, {3, 1}},
                                {{4, 2}, {5, 3}}}));
}

TEST(Splitter, SimpleEndsBeforeAnEntryThatMustWait) {
  EXPECT_EQ(Split(SplitPolicy::kSimple, 12, TwoTasks()),
            (std::vector<Shape>{{{0, 4}},
                                {{0, 1}, {1, 2}, {2, 3}, {3, 4}},
                                {{3, 1}, {4, 2}, {5, 3}}}));
}

TEST(Splitter, TheOrderOfASetDoesNotMatter) {
  Batch batch;
  const SequenceId orders[][3] = {{2, 0, 1}, {0, 1, 2}, {1, 2, 0}};
  for (int i = 0; i < 3; ++i) batch.Add(i, i, orders[i], Want::kNothing);
  Splitter splitter(SplitPolicy::kRagged, 8);
  const auto ubatches = splitter.Split(batch);
  ASSERT_TRUE(ubatches.ok());
  ASSERT_EQ(ubatches->size(), 1u);
  ASSERT_EQ((*ubatches)[0].runs.size(), 1u);
  EXPECT_EQ((*ubatches)[0].runs[0].length, 3);
  EXPECT_EQ((*ubatches)[0].owners.sequences,
            (std::vector<SequenceId>{0, 1, 2}));
}

// A set may lose its sequences one by one: each time what is left goes on in a
// stream of its own.
TEST(Splitter, ASetThatLosesItsSequencesOneByOne) {
  Batch batch;
  std::vector<SequenceId> set(64);
  std::iota(set.begin(), set.end(), 0);
  for (int i = 0; !set.empty(); ++i) {
    batch.Add(i, i, set, Want::kNothing);
    set.pop_back();
  }
  for (const SplitPolicy policy : kPolicies) {
    Splitter splitter(policy, 128);
    const auto ubatches = splitter.Split(batch);
    ASSERT_TRUE(ubatches.ok());
    ASSERT_EQ(ubatches->size(), 64u);
    const Status split = SplitJudge(batch, *ubatches, 128).Check();
    EXPECT_TRUE(split.ok()) << split.error().message;
  }
}

// Sets that fall apart at random, and what they get, interleaved.
class RandomSets {
 public:
  RandomSets(Random& random, bool share) : random_(random) {
    const int sequences = 1 + random.Below(9);
    for (SequenceId s = 0; s < sequences; ++s) {
      if (share && s > 0 && random.Below(3) != 0) {
        groups_.back().set.push_back(s);
      } else {
        groups_.push_back({{s}, random.Below(100)});
      }
    }
  }

  Batch MakeBatch() {
    Batch batch;
    const int size = 1 + random_.Below(120);
    size_t group = 0;
    for (int i = 0; i < size; ++i) {
      // Sometimes long stretches of one set, sometimes a mixture.
      if (random_.Below(1 + random_.Below(8)) == 0) {
        group = static_cast<size_t>(random_.Below(groups()));
        if (random_.Below(4) == 0) FallApart(group);
      }
      Group& chosen = groups_[group];
      std::rotate(chosen.set.begin(),
                  chosen.set.begin() +
                      random_.Below(static_cast<int>(chosen.set.size())),
                  chosen.set.end());
      batch.Add(random_.Below(1000), chosen.next++, chosen.set,
                random_.Below(3) == 0 ? Want::kLogits : Want::kNothing);
    }
    return batch;
  }

 private:
  struct Group {
    std::vector<SequenceId> set;
    Position next;
  };

  int groups() const { return static_cast<int>(groups_.size()); }

  void FallApart(size_t group) {
    std::vector<SequenceId>& set = groups_[group].set;
    if (set.size() == 1) return;
    const auto middle =
        set.begin() + 1 + random_.Below(static_cast<int>(set.size()) - 1);
    Group other{{middle, set.end()}, groups_[group].next};
    set.erase(middle, set.end());
    groups_.push_back(std::move(other));
  }

  Random& random_;
  std::vector<Group> groups_;
};

Batch RandomBatch(Random& random) {
  return RandomSets(random, random.Below(2) == 0).MakeBatch();
}

// A valid batch has no set twice but in one stream.
bool SameStream(std::span<const SequenceId> a, std::span<const SequenceId> b) {
  return std::is_permutation(a.begin(), a.end(), b.begin(), b.end());
}

int StreamLength(const Batch& batch, std::span<const SequenceId> owners) {
  int length = 0;
  for (int i = 0; i < batch.size(); ++i) {
    length += SameStream(batch.Sequences(i), owners);
  }
  return length;
}

int LongestStream(const Batch& batch) {
  int longest = 0;
  for (int i = 0; i < batch.size(); ++i) {
    longest = std::max(longest, StreamLength(batch, batch.Sequences(i)));
  }
  return longest;
}

bool HasStream(const UBatch& ubatch, std::span<const SequenceId> owners) {
  for (size_t i = 0; i < ubatch.runs.size(); ++i) {
    if (SameStream(ubatch.owners[i], owners)) return true;
  }
  return false;
}

// Did the run's stream wait for one that this ubatch finished?
bool WaitedFor(const UBatch& ubatch, std::span<const SequenceId> owners) {
  if (HasStream(ubatch, owners)) return false;
  const auto& present = ubatch.owners.sequences;
  return std::count(present.begin(), present.end(), owners.front()) != 0;
}

// Full, or whatever comes next had to wait for it.
void ExpectFull(std::span<const UBatch> ubatches, size_t u, int max_rows) {
  if (u + 1 == ubatches.size() || ubatches[u].rows() == max_rows) return;
  const UBatch& next = ubatches[u + 1];
  for (size_t i = 0; i < next.runs.size(); ++i) {
    ASSERT_TRUE(WaitedFor(ubatches[u], next.owners[i]));
  }
}

// Only a stream that is finished has fewer rows than another, up to one. Or no
// run is longer than the shortest, and none but the last to be served shorter.
void ExpectFair(const UBatch& ubatch, const UBatch& next) {
  const Run& longest = *std::ranges::max_element(ubatch.runs, {}, &Run::length);
  const bool long_enough = longest.length > Splitter::kShortestRun;
  int shorter = 0;
  for (size_t i = 0; i < ubatch.runs.size(); ++i) {
    if (!HasStream(next, ubatch.owners[i])) continue;
    if (long_enough) {
      ASSERT_GE(ubatch.runs[i].length, longest.length - 1);
    }
    shorter += ubatch.runs[i].length < Splitter::kShortestRun ? 1 : 0;
  }
  if (!long_enough) {
    ASSERT_LE(shorter, 1);
  }
}

// The next in call order, and as many as could be.
void ExpectInCallOrder(const Batch& batch, const UBatch& ubatch, int done,
                       int max_rows) {
  for (const int32_t index : ubatch.batch_index) {
    ASSERT_GE(index, done);
    ASSERT_LT(index, done + ubatch.rows());
  }
  const int next = done + ubatch.rows();
  if (ubatch.rows() == max_rows || next == batch.size()) return;
  ASSERT_TRUE(WaitedFor(ubatch, batch.Sequences(next)));
}

// What the policies promise beyond that.
void ExpectShape(SplitPolicy policy, const Batch& batch,
                 std::span<const UBatch> ubatches, int max_rows) {
  int done = 0;
  for (size_t u = 0; u < ubatches.size(); ++u) {
    const UBatch& ubatch = ubatches[u];
    switch (policy) {
      case SplitPolicy::kRagged:
        ASSERT_NO_FATAL_FAILURE(ExpectFull(ubatches, u, max_rows));
        if (u + 1 == ubatches.size()) break;
        ASSERT_NO_FATAL_FAILURE(ExpectFair(ubatch, ubatches[u + 1]));
        break;
      case SplitPolicy::kEqual:
        for (const Run& run : ubatch.runs) {
          ASSERT_EQ(run.length, ubatch.runs[0].length);
        }
        break;
      case SplitPolicy::kSimple:
        ASSERT_NO_FATAL_FAILURE(
            ExpectInCallOrder(batch, ubatch, done, max_rows));
        break;
      case SplitPolicy::kWhole:
        for (size_t i = 0; i < ubatch.runs.size(); ++i) {
          ASSERT_EQ(ubatch.runs[i].length,
                    StreamLength(batch, ubatch.owners[i]));
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
      if (policy == SplitPolicy::kWhole) max_rows += LongestStream(batch);
      Splitter splitter(policy, max_rows);
      const auto ubatches = splitter.Split(batch);
      ASSERT_TRUE(ubatches.ok()) << ubatches.error().message;
      const Status split = SplitJudge(batch, *ubatches, max_rows).Check();
      ASSERT_TRUE(split.ok()) << split.error().message;
      ASSERT_NO_FATAL_FAILURE(ExpectShape(policy, batch, *ubatches, max_rows));
    }
  }
}

// Who has no more tokens left than an equal share of the rows is finished in
// the next ubatch, whoever else is there.
TEST(Splitter, RaggedDelaysNoShortText) {
  Random random(4);
  for (int round = 0; round < 200; ++round) {
    std::vector<int> left(1 + random.Below(40));
    for (int& length : left) length = 1 + random.Below(60);
    const int max_rows = 1 + random.Below(150);
    Splitter splitter(SplitPolicy::kRagged, max_rows);
    const auto ubatches = splitter.Split(BatchOf(left));
    ASSERT_TRUE(ubatches.ok());
    for (const UBatch& ubatch : *ubatches) {
      std::vector<int> after = left;
      for (size_t i = 0; i < ubatch.runs.size(); ++i) {
        after[ubatch.owners[i].front()] -= ubatch.runs[i].length;
      }
      const auto unfinished = std::ranges::count_if(left, std::identity{});
      for (size_t s = 0; s < left.size(); ++s) {
        ASSERT_TRUE(left[s] > max_rows / unfinished || after[s] == 0);
      }
      left = after;
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
      const Status split = SplitJudge(batch, *ubatches, 130).Check();
      ASSERT_TRUE(split.ok()) << split.error().message;
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

  const Batch valid = TwoTasks();
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
