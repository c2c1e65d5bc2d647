#include "memory/hybrid_memory.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/memory_oracle.h"

namespace braid {
namespace {

constexpr PageLayout PageOf(size_t bytes) {
  return {.keys = {}, .values = {}, .page_bytes = bytes};
}
constexpr PageLayout kPage = PageOf(8 * kPagePositions);

constexpr LayerSpec kRecurrent{
    .conv_floats = 5, .state_floats = 33, .log_floats = 7};
// Its state cannot be rebuilt.
constexpr LayerSpec kUnlogged{.conv_floats = 0, .state_floats = 9};
constexpr LayerSpec kAttention{.page = kPage};
constexpr LayerSpec kWindow{.page = kPage, .window = 40};
constexpr LayerSpec kNarrow{.page = kPage, .window = 3};
// Falcon-H1: both mixers in one layer.
constexpr LayerSpec kBoth{
    .conv_floats = 5, .state_floats = 33, .log_floats = 7, .page = kPage};
constexpr LayerSpec kNeither{};

std::unique_ptr<HybridMemory> Make(std::vector<LayerSpec> layers, int sequences,
                                   int64_t positions, int rollback = 0) {
  auto memory = HybridMemory::Create({.layers = std::move(layers)},
                                     {.max_sequences = sequences,
                                      .kv_positions = positions,
                                      .max_batch = 500,
                                      .rollback = rollback});
  EXPECT_TRUE(memory.ok()) << memory.error().message;
  return std::move(*memory);
}

// A ubatch with one run per (sequence, length).
UBatch UBatchOf(const HybridMemory& memory,
                const std::vector<std::pair<SequenceId, int>>& shape) {
  UBatch ubatch;
  for (const auto& [sequence, length] : shape) {
    const Position first = memory.next_positions()[sequence];
    ubatch.owners.Add(std::span(&sequence, 1));
    ubatch.runs.push_back(
        {.begin = ubatch.rows(), .length = length, .first_position = first});
    for (int i = 0; i < length; ++i) {
      ubatch.tokens.push_back(0);
      ubatch.positions.push_back(first + i);
      ubatch.batch_index.push_back(ubatch.rows() - 1);
    }
  }
  return ubatch;
}

Status Decode(HybridMemory& memory,
              const std::vector<std::pair<SequenceId, int>>& shape) {
  const UBatch ubatch = UBatchOf(memory, shape);
  BRAID_TRY(memory.Plan({&ubatch, 1}));
  memory.Begin(0);
  memory.Commit(0);
  return {};
}

std::string ErrorOf(const Status& status) {
  return status.ok() ? "" : status.error().message;
}

struct ProgramCase {
  const char* name;
  std::vector<LayerSpec> layers;
};

class MemoryProgram : public ::testing::TestWithParam<ProgramCase> {};

// Roomy and tight, with and without each of the ways to go back.
MemoryLimits LimitsOf(uint64_t seed, Random& random) {
  constexpr int kPageSizes[] = {1, 2, 4};
  MemoryLimits limits;
  limits.max_sequences = 1 + random.Below(7);
  limits.kv_positions = 1 + random.Below(seed % 2 == 0 ? 200 : 900);
  limits.page_positions = kPagePositions * kPageSizes[seed % 3];
  limits.rollback = seed % 4 == 0 ? 0 : 1 + random.Below(20);
  limits.checkpoint_every = seed % 5 < 2 ? 1 + random.Below(60) : 0;
  limits.checkpoint_bytes =
      seed % 5 < 4 ? static_cast<size_t>(random.Below(8000)) : 0;
  limits.bytes =
      seed % 4 == 1 ? static_cast<size_t>(1 + random.Below(40000)) : 0;
  return limits;
}

TEST_P(MemoryProgram, AgreesWithTheOracle) {
  for (uint64_t seed = 0; seed < 24; ++seed) {
    Random random(seed);
    MemoryOracle oracle({.layers = GetParam().layers}, LimitsOf(seed, random));
    const auto choose = [&](int bound) { return random.Below(bound); };
    for (int step = 0; step < 120; ++step) {
      ASSERT_EQ(ErrorOf(oracle.Step(choose)), "")
          << "seed " << seed << ", step " << step;
    }
    ASSERT_EQ(ErrorOf(oracle.Finish()), "") << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, MemoryProgram,
    ::testing::Values(ProgramCase{"Recurrent", {kRecurrent, kNeither}},
                      ProgramCase{"Unlogged", {kRecurrent, kUnlogged}},
                      ProgramCase{"Attention", {kAttention, kAttention}},
                      ProgramCase{"Windows",
                                  {kWindow, kAttention, kNarrow, kWindow}},
                      ProgramCase{"WindowsOnly", {kNarrow, kWindow}},
                      ProgramCase{"Hybrid", {kRecurrent, kAttention}},
                      ProgramCase{"HybridWithWindow", {kRecurrent, kWindow}},
                      ProgramCase{"Both", {kBoth, kAttention, kBoth}},
                      ProgramCase{"Neither", {kNeither}}),
    [](const auto& test) { return test.param.name; });

TEST(HybridMemory, FailedAndCancelledPlansLeaveNoTrace) {
  // Two memories live the same life; one also sees plans that fail or end
  // early. They must choose the same cells and pages ever after.
  const auto calm = Make({kRecurrent, kWindow, kAttention}, 4, 300, 6);
  const auto shaken = Make({kRecurrent, kWindow, kAttention}, 4, 300, 6);
  Random random(5);
  for (int step = 0; step < 300; ++step) {
    std::vector<std::pair<SequenceId, int>> shape;
    for (SequenceId s = 0; s < 4; ++s) {
      if (random.Below(2) == 0) shape.emplace_back(s, 1 + random.Below(40));
    }
    if (shape.empty()) continue;

    const UBatch given_up = UBatchOf(*shaken, {{random.Below(4), 7}});
    if (shaken->Plan({&given_up, 1}).ok()) {
      if (random.Below(2) == 0) shaken->Begin(0);
      shaken->Cancel();
    }
    const UBatch too_long = UBatchOf(*shaken, {{0, 301}});
    ASSERT_FALSE(shaken->Plan({&too_long, 1}).ok());

    const UBatch ubatch = UBatchOf(*calm, shape);
    const bool fits = calm->Plan({&ubatch, 1}).ok();
    ASSERT_EQ(shaken->Plan({&ubatch, 1}).ok(), fits);
    if (fits) {
      const UBatchView expected = calm->Begin(0);
      const UBatchView found = shaken->Begin(0);
      for (size_t i = 0; i < expected.runs.size(); ++i) {
        ASSERT_EQ(found.runs[i].source, expected.runs[i].source);
        ASSERT_EQ(found.runs[i].destination, expected.runs[i].destination);
        for (size_t g = 0; g < expected.tables.size(); ++g) {
          const auto tables =
              std::pair(found.tables[g][i].pages, expected.tables[g][i].pages);
          ASSERT_TRUE(std::ranges::equal(tables.first, tables.second));
        }
        ASSERT_TRUE(
            std::ranges::equal(found.log[i].pages, expected.log[i].pages));
      }
      calm->Commit(0);
      shaken->Commit(0);
    } else {
      const SequenceId removed = random.Below(4);
      const SequenceId kept = (removed + 1) % 4;
      for (HybridMemory* memory : {calm.get(), shaken.get()}) {
        ASSERT_TRUE(memory->Release(removed).ok());
        ASSERT_TRUE(memory->Fork(kept, removed).ok());
        ASSERT_TRUE(memory->Release((removed + 2) % 4).ok());
      }
    }
    ASSERT_EQ(DumpOf(*shaken), DumpOf(*calm));
  }
}

TEST(HybridMemory, StatesAreWrittenInPlaceUnlessShared) {
  const auto memory = Make({kRecurrent}, 3, 0);
  const auto run_of = [&](SequenceId sequence) {
    const UBatch ubatch = UBatchOf(*memory, {{sequence, 2}});
    EXPECT_TRUE(memory->Plan({&ubatch, 1}).ok());
    const braid::Run run = memory->Begin(0).runs[0];
    memory->Commit(0);
    return run;
  };
  const auto first = run_of(0);
  EXPECT_EQ(first.source, kNoCell);
  const auto second = run_of(0);
  EXPECT_EQ(second.source, first.destination);
  EXPECT_EQ(second.destination, first.destination);

  ASSERT_TRUE(memory->Fork(0, 1).ok());
  EXPECT_EQ(memory->cells().cells_in_use(), 1);
  const auto forked = run_of(1);
  EXPECT_EQ(forked.source, first.destination);
  EXPECT_NE(forked.destination, first.destination);
  // Now each is alone with its cell again.
  const auto original = run_of(0);
  EXPECT_EQ(original.source, original.destination);
}

TEST(HybridMemory, FreshCellsOfAUBatchAreOneRangeInRunOrder) {
  const auto memory = Make({kRecurrent}, 8, 0);
  ASSERT_TRUE(Decode(*memory, {{0, 1}, {1, 1}, {2, 1}}).ok());
  ASSERT_TRUE(memory->Release(1).ok());  // cell 1 is free, 2 is not
  const UBatch ubatch = UBatchOf(*memory, {{7, 1}, {0, 1}, {5, 1}, {1, 1}});
  ASSERT_TRUE(memory->Plan({&ubatch, 1}).ok());
  const UBatchView view = memory->Begin(0);
  EXPECT_EQ(view.runs[0].destination, 3);
  EXPECT_EQ(view.runs[1].destination, 0);  // stays where it is
  EXPECT_EQ(view.runs[2].destination, 4);
  EXPECT_EQ(view.runs[3].destination, 5);
}

TEST(HybridMemory, AUBatchThatWritesForksNeedsACellMoreForEachPair) {
  const auto memory = Make({kRecurrent}, 6, 0);
  ASSERT_TRUE(Decode(*memory, {{0, 1}, {2, 1}, {4, 1}}).ok());
  for (SequenceId s : {0, 2, 4}) ASSERT_TRUE(memory->Fork(s, s + 1).ok());
  const UBatch ubatch =
      UBatchOf(*memory, {{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}});
  ASSERT_TRUE(memory->Plan({&ubatch, 1}).ok());
  EXPECT_EQ(memory->cells().cells_in_use(), 9);
  memory->Begin(0);
  memory->Commit(0);
  EXPECT_EQ(memory->cells().cells_in_use(), 6);
}

TEST(HybridMemory, WhatFitsByPositionsFits) {
  const auto memory = Make({kAttention}, 5, 1024);
  // Every sequence ends in a page that is nearly empty.
  ASSERT_TRUE(
      Decode(*memory, {{0, 193}, {1, 193}, {2, 193}, {3, 193}, {4, 193}}).ok());
  EXPECT_EQ(ErrorOf(Decode(*memory, {{0, 60}})),
            "the KV cache is full: 60 more positions are needed, 965 of 1024 "
            "are used (sequence 0 holds 193, sequence 1 holds 193, sequence 2 "
            "holds 193 and 2 more less): raise -c or remove a sequence");
  EXPECT_TRUE(Decode(*memory, {{0, 59}}).ok());
  EXPECT_EQ(memory->lineage().positions(), 1024);
}

TEST(HybridMemory, SharedPositionsCountOnceAlsoWhenTheirPageWasCopied) {
  // 31 shared positions, then two of its own for every sequence: the largest
  // number of pages per position that there can be.
  const int sequences = 8;
  const auto memory = Make({kAttention}, sequences, 31 + 2 * sequences);
  ASSERT_TRUE(Decode(*memory, {{0, 31}}).ok());
  for (SequenceId s = 1; s < sequences; ++s) {
    ASSERT_TRUE(memory->Fork(0, s).ok());
  }
  EXPECT_EQ(memory->lineage().positions(), 31);
  EXPECT_EQ(memory->groups()[0].groups_in_use(), 1);
  for (SequenceId s = 0; s < sequences; ++s) {
    ASSERT_EQ(ErrorOf(Decode(*memory, {{s, 2}})), "");
  }
  EXPECT_EQ(memory->groups()[0].groups_in_use(), 2 * sequences);
  EXPECT_FALSE(Decode(*memory, {{0, 1}}).ok());
  ASSERT_TRUE(memory->Release(3).ok());
  EXPECT_EQ(memory->lineage().positions(), 31 + 2 * (sequences - 1));
}

TEST(HybridMemory, ASharedPageIsCopiedByBeginAndNotBefore) {
  const auto memory = Make({kAttention}, 2, 100);
  ASSERT_TRUE(Decode(*memory, {{0, 3}}).ok());
  const int32_t page = memory->groups()[0].TableOf(0).pages[0];
  std::byte* base = memory->PageBase(0);
  const size_t stride = memory->PageStride(0);
  base[page * stride] = std::byte{7};
  ASSERT_TRUE(memory->Fork(0, 1).ok());

  const UBatch ubatch = UBatchOf(*memory, {{1, 1}});
  ASSERT_TRUE(memory->Plan({&ubatch, 1}).ok());
  base[page * stride] = std::byte{9};
  const UBatchView view = memory->Begin(0);
  const int32_t copy = view.tables[0][0].pages[0];
  EXPECT_NE(copy, page);
  EXPECT_EQ(base[copy * stride], std::byte{9});
}

TEST(HybridMemory, APlanCopiesASharedPageOnceForEachSequence) {
  const auto memory = Make({kAttention}, 3, 100);
  ASSERT_TRUE(Decode(*memory, {{0, 3}}).ok());
  ASSERT_TRUE(memory->Fork(0, 1).ok());
  ASSERT_TRUE(memory->Fork(0, 2).ok());
  // Two ubatches of sequence 1, while the page has other owners throughout.
  UBatch ubatches[] = {UBatchOf(*memory, {{1, 1}}),
                       UBatchOf(*memory, {{1, 1}})};
  ubatches[1].runs[0].first_position = ++ubatches[1].positions[0];
  ASSERT_TRUE(memory->Plan(ubatches).ok());
  const int32_t copy = memory->Begin(0).tables[0][0].pages[0];
  memory->Commit(0);
  EXPECT_EQ(memory->Begin(1).tables[0][0].pages[0], copy);
  memory->Commit(1);
  EXPECT_EQ(memory->groups()[0].groups_in_use(), 2);
}

TEST(HybridMemory, SequenceOperationsEndAPlan) {
  const auto memory = Make({kRecurrent, kAttention}, 3, 100);
  ASSERT_TRUE(Decode(*memory, {{0, 40}}).ok());
  const size_t used = memory->used_bytes();
  const UBatch ubatch = UBatchOf(*memory, {{0, 30}, {1, 1}});
  ASSERT_TRUE(memory->Plan({&ubatch, 1}).ok());
  EXPECT_GT(memory->used_bytes(), used);
  ASSERT_TRUE(memory->Fork(0, 2).ok());
  EXPECT_EQ(memory->used_bytes(), used);
  ASSERT_TRUE(memory->Plan({&ubatch, 1}).ok());
  ASSERT_TRUE(memory->Release(2).ok());
  EXPECT_EQ(memory->used_bytes(), used);
  ASSERT_TRUE(memory->Plan({&ubatch, 1}).ok());
  ASSERT_TRUE(memory->Keep(0).ok());
  EXPECT_EQ(memory->used_bytes(), used);
}

TEST(HybridMemory, RefusalsNameBothValues) {
  const auto memory = Make({kRecurrent, kAttention}, 2, 100);
  ASSERT_TRUE(Decode(*memory, {{0, 10}, {1, 4}}).ok());
  const auto before = DumpOf(*memory);
  EXPECT_EQ(ErrorOf(memory->Fork(0, 1)),
            "cannot fork sequence 0 into sequence 1: it must be empty and "
            "holds 4 positions");
  for (const Status& status : {memory->Fork(0, 2), memory->Fork(2, 0),
                               memory->Release(2), memory->Keep(2)}) {
    EXPECT_EQ(ErrorOf(status),
              "sequence 2: there are 2 sequences, numbered from 0 (-np)");
  }
  EXPECT_FALSE(memory->Keep(-1).ok());
  EXPECT_EQ(ErrorOf(memory->Checkpoint(0)),
            "a checkpoint of sequence 0 needs 256 bytes, 0 are allowed: raise "
            "--checkpoint-bytes");
  const auto way = memory->FindWayBack(0, 3);
  ASSERT_FALSE(way.ok());
  EXPECT_EQ(way.error().message,
            "cannot go back to position 3 of sequence 0, which holds 10: it "
            "can only be removed whole (rollback is 0, counted from the "
            "furthest that it has been): raise --rollback or "
            "--checkpoint-every");
  EXPECT_EQ(DumpOf(*memory), before);
}

TEST(HybridMemory, ARefusalSaysHowFarASequenceCanGoBack) {
  const auto memory = Make({kRecurrent}, 1, 100, 8);
  ASSERT_TRUE(Decode(*memory, {{0, 47}}).ok());
  EXPECT_EQ(memory->EarliestWayBack(0), 32);
  const auto way = memory->FindWayBack(0, 39);
  ASSERT_TRUE(way.ok()) << way.error().message;
  memory->GoBack(0, *way);
  EXPECT_EQ(memory->EarliestWayBack(0), 32);
  const auto refused = memory->FindWayBack(0, 31);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message,
            "cannot go back to position 31 of sequence 0, which holds 39: 32 "
            "is the earliest position that it can still go back to (rollback "
            "is 8, counted from the furthest that it has been): raise "
            "--rollback or --checkpoint-every");
  EXPECT_TRUE(memory->FindWayBack(0, 32).ok());
}

// The earliest position is the first of those that a way is found to, and a way
// is found to all behind it.
TEST(HybridMemory, TheEarliestWayBackIsTheFirstOfAll) {
  LayerSpec windowed = kAttention;
  windowed.window = 10;
  const std::vector<LayerSpec> kinds[] = {
      {kRecurrent}, {kAttention}, {windowed}, {kRecurrent, windowed}, {kBoth}};
  for (const auto& layers : kinds) {
    for (const int rollback : {0, 1, 8, 40}) {
      auto created = HybridMemory::Create(
          {.layers = layers}, {.max_sequences = 1,
                               .kv_positions = 1000,
                               .max_batch = 500,
                               .rollback = rollback,
                               .checkpoint_every = rollback == 8 ? 50 : 0,
                               .checkpoint_bytes = 1 << 16});
      ASSERT_TRUE(created.ok()) << created.error().message;
      HybridMemory& memory = **created;
      Random random(3, static_cast<uint64_t>(rollback));
      for (int step = 0; step < 60; ++step) {
        ASSERT_TRUE(Decode(memory, {{0, 1 + random.Below(12)}}).ok());
        const Position length = memory.next_positions()[0];
        const Position earliest = memory.EarliestWayBack(0);
        for (Position p = 1; p < length; ++p) {
          EXPECT_EQ(memory.FindWayBack(0, p).ok(), p >= earliest)
              << "position " << p << " of " << length;
        }
        const Position target = 1 + random.Below(length);
        if (target == length) continue;
        const auto way = memory.FindWayBack(0, target);
        if (way.ok()) memory.GoBack(0, *way);
      }
    }
  }
}

TEST(HybridMemory, CreateRefusesWhatMakesNoSense) {
  const auto error_of = [](const LayerSpec& layer, int sequences,
                           int64_t positions) -> std::string {
    const auto memory = HybridMemory::Create(
        {.layers = {layer}},
        {.max_sequences = sequences, .kv_positions = positions});
    return memory.ok() ? "" : memory.error().message;
  };
  EXPECT_EQ(error_of(kRecurrent, 0, 0),
            "at least 1 sequence is needed, 0 given: raise -np");
  EXPECT_EQ(error_of(kAttention, 1, 0),
            "a model with attention layers needs room for at least 1 position, "
            "0 given: raise -c");
  EXPECT_EQ(error_of(kRecurrent, 1, 0), "");
  EXPECT_NE(error_of(kAttention, 1, int64_t{1} << 40), "");
  EXPECT_NE(error_of(kAttention, 1, std::numeric_limits<int64_t>::max()), "");
  EXPECT_NE(error_of(kRecurrent, std::numeric_limits<int>::max(), 0), "");
  const size_t huge = std::numeric_limits<size_t>::max() / 2;
  EXPECT_NE(error_of({.conv_floats = huge}, 1, 0), "");
  EXPECT_NE(error_of({.conv_floats = 1, .state_floats = huge / 4}, 2, 0), "");
  EXPECT_NE(error_of({.page = PageOf(huge)}, 1, 100), "");
  // Fits in 64 bits, not in the machine's address space.
  EXPECT_NE(error_of({.page = PageOf(size_t{1} << 58)}, 1, 100), "");
}

TEST(HybridMemory, SteadyStateAllocatesNothing) {
  const auto memory = Make({kRecurrent, kAttention}, 4, 4000);
  Splitter splitter(SplitPolicy::kRagged, 8);
  Batch batch;
  int64_t allocations = 0;
  for (int round = 0; round < 100; ++round) {
    batch.Clear();
    for (SequenceId s = 0; s < 4; ++s) {
      for (int i = 0; i < 5; ++i) {
        batch.Add(0, memory->next_positions()[s] + i, s, Want::kNothing);
      }
    }
    const int64_t before = AllocationCount();
    const auto ubatches = splitter.Split(batch);
    ASSERT_TRUE(memory->Plan(*ubatches).ok());
    for (int i = 0; i < static_cast<int>(ubatches->size()); ++i) {
      memory->Begin(i);
      memory->Commit(i);
    }
    // Forks and copies, too, cost no allocation.
    if (round % 10 == 9) {
      ASSERT_TRUE(memory->Release(3).ok());
      ASSERT_TRUE(memory->Fork(round / 10 % 3, 3).ok());
    }
    allocations = AllocationCount() - before;
    if (round == 0) {
      EXPECT_GT(allocations, 0);  // the counter counts
    } else if (round > 20) {
      ASSERT_EQ(allocations, 0) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace braid
