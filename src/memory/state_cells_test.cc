#include "memory/state_cells.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "memory/state_cells_for_test.h"

namespace braid {
namespace {

// One sequence's run, planned and committed.
Run Decode(StateCells& cells, SequenceId sequence, Position first,
           int32_t length) {
  RunOwners owners;
  owners.Add(std::vector{sequence});
  std::vector<Run> runs{{.length = length, .first_position = first}};
  cells.Plan(owners, runs);
  cells.Commit(owners, runs);
  return runs[0];
}

std::vector<Position> PositionsOf(std::span<const Checkpoint> checkpoints) {
  std::vector<Position> positions;
  for (const Checkpoint& c : checkpoints) positions.push_back(c.position);
  return positions;
}

TEST(StateCells, InPlaceUntilSomebodyElseNeedsTheState) {
  StateCells cells = std::move(*StateCells::Create(Spec(), Limits(0, 0, 1)));
  const int32_t first = Decode(cells, 0, 0, 3).destination;
  EXPECT_EQ(Decode(cells, 0, 3, 5).destination, first);
  cells.Fork(0, 1);
  const braid::Run apart = Decode(cells, 0, 8, 1);
  EXPECT_EQ(apart.source, first);
  EXPECT_NE(apart.destination, first);
  // The fork is now alone with the old cell.
  EXPECT_EQ(Decode(cells, 1, 8, 1).destination, first);
  cells.Keep(1, 9);
  EXPECT_NE(Decode(cells, 1, 9, 1).destination, first);
  EXPECT_EQ(cells.checkpoint_cells(), 1);
}

TEST(StateCells, FreshDestinationsAreOneRangeInRunOrder) {
  StateCells cells = std::move(*StateCells::Create(Spec(), Limits(2, 0, 0)));
  Decode(cells, 3, 0, 1);
  RunOwners owners;
  std::vector<braid::Run> runs;
  for (const SequenceId s : {4, 3, 0, 2}) {
    owners.Add(std::vector{s});
    runs.push_back({.length = 3, .first_position = s == 3 ? 1 : 0});
  }
  cells.Plan(owners, runs);
  EXPECT_EQ(runs[1].destination, runs[1].source);
  EXPECT_EQ(runs[2].destination, runs[0].destination + 1);
  EXPECT_EQ(runs[3].destination, runs[0].destination + 2);
}

TEST(StateCells, OnlySnapshotsThatSurviveTheRun) {
  StateCells cells = std::move(*StateCells::Create(Spec(), Limits(4, 10, 2)));
  // 50 positions: rolling from 44 on (the last multiple of 4 up to 46); kept
  // 50, 40; of these 50 is the end.
  const braid::Run run = Decode(cells, 0, 0, 50);
  std::vector<int32_t> offsets;
  for (const Snapshot& s : run.snapshots) offsets.push_back(s.offset);
  EXPECT_EQ(offsets, (std::vector<int32_t>{40, 44, 48}));
  EXPECT_EQ(PositionsOf(cells.Checkpoints(0)),
            (std::vector<Position>{40, 44, 48, 50}));
  EXPECT_EQ(cells.cells_in_use(), 4);
  EXPECT_EQ(cells.CheckpointBefore(0, 47).position, 44);
  EXPECT_EQ(cells.CheckpointBefore(0, 39).cell, kNoCell);
}

TEST(StateCells, TheOldestCheckpointGoesFirst) {
  StateCells cells = std::move(*StateCells::Create(Spec(), Limits(0, 0, 2)));
  for (const SequenceId s : {0, 1, 2}) {
    Decode(cells, s, 0, 2);
    cells.Keep(s, 2);
  }
  EXPECT_TRUE(cells.Checkpoints(0).empty());
  EXPECT_EQ(cells.Checkpoints(1).size(), 1u);
  EXPECT_EQ(cells.Checkpoints(2).size(), 1u);
}

TEST(StateCells, WhereTheLogBegins) {
  StateCells cells = std::move(*StateCells::Create(Spec(), Limits(4, 0, 0)));
  const std::pair<Position, Position> expected[] = {
      {0, 0}, {3, 0}, {4, 0}, {7, 0}, {8, 4}, {11, 4}, {12, 8}};
  for (const auto& [length, begin] : expected) {
    EXPECT_EQ(cells.LogBegin(length), begin) << length;
  }
  StateCells none = std::move(*StateCells::Create(Spec(), Limits(0, 0, 0)));
  EXPECT_EQ(none.LogBegin(9), 9);
}

TEST(StateCells, LayersOfACellLieTogether) {
  StateCells cells = std::move(*StateCells::Create(Spec(), Limits(0, 0, 0)));
  EXPECT_EQ(cells.cell_bytes(), kCellBytes);
  EXPECT_EQ(cells.LayerBytes(0, 1).size(), 64u + 128u);
  EXPECT_TRUE(cells.LayerBytes(1, 1).empty());
  EXPECT_EQ(cells.LayerBytes(0, 1).data(),
            reinterpret_cast<std::byte*>(cells.ConvState(0, 1)));
  EXPECT_EQ(cells.LayerBytes(0, 0).data() + 64,
            reinterpret_cast<std::byte*>(cells.ScanState(0, 0)));
  EXPECT_EQ(cells.LayerBytes(0, 0).data() + 192, cells.LayerBytes(2, 0).data());
  EXPECT_EQ(cells.LayerBytes(2, 0).data() + 64, cells.LayerBytes(0, 1).data());
}

TEST(StateCells, TakesAllCellsAndNoMore) {
  StateCells cells = std::move(*StateCells::Create(Spec(), Limits(0, 0, 0)));
  for (int32_t c = 0; c < cells.cells(); ++c) EXPECT_EQ(cells.TakeCell(), c);
  EXPECT_EQ(cells.TakeCell(), kNoCell);
  for (int32_t c = 0; c < cells.cells(); ++c) cells.DropUnused(c);
  EXPECT_EQ(cells.cells_in_use(), 0);
}

TEST(StateCells, AModelWithoutRecurrentLayersHasNone) {
  MemorySpec spec;
  spec.layers.resize(2);
  StateCells cells = std::move(*StateCells::Create(spec, Limits(4, 4, 4)));
  EXPECT_FALSE(cells.present());
  EXPECT_EQ(Decode(cells, 0, 0, 9).destination, kNoCell);
  cells.Fork(0, 1);
  cells.Keep(1, 9);
  cells.Release(0);
  EXPECT_EQ(cells.capacity_bytes(), 0u);
  EXPECT_TRUE(cells.Checkpoints(1).empty());
}

TEST(StateCells, RefusesWhatOverflows) {
  MemorySpec spec = Spec();
  spec.layers[2].state_floats = std::numeric_limits<size_t>::max() / 8;
  const auto large = StateCells::Create(spec, Limits(0, 0, 0));
  ASSERT_FALSE(large.ok());
  EXPECT_NE(large.error().message.find("5 sequences"), std::string::npos)
      << large.error().message;
  spec.layers[2].state_floats = std::numeric_limits<size_t>::max() / 2;
  const auto larger = StateCells::Create(spec, Limits(0, 0, 0));
  ASSERT_FALSE(larger.ok());
  EXPECT_NE(larger.error().message.find("layer 2"), std::string::npos);
  MemoryLimits many = Limits(0, 0, 0);
  many.max_sequences = std::numeric_limits<int>::max();
  EXPECT_FALSE(StateCells::Create(Spec(), many).ok());
}

}  // namespace
}  // namespace braid
