#include "ops/checks.h"

#include <gtest/gtest.h>

#include <array>

namespace braid::ops {
namespace {

using Phase = std::span<const StateRun>;

StateRun Piece(int begin, int length) {
  return {.begin = begin, .length = length};
}

TEST(PhasesCoverTest, OnePhase) {
  const std::array runs = {Piece(0, 3), Piece(3, 1)};
  const std::array<Phase, 1> phases = {runs};
  EXPECT_TRUE(PhasesCover(phases, 4));
  EXPECT_FALSE(PhasesCover(phases, 5));
  const std::array gap = {Piece(0, 3), Piece(4, 1)};
  const std::array<Phase, 1> gaps = {gap};
  EXPECT_FALSE(PhasesCover(gaps, 5));
  EXPECT_FALSE(PhasesCover({}, 0));
}

// Runs of 6, 2 and 5 rows; the first in three pieces, the last in two.
TEST(PhasesCoverTest, PiecesFollowFromPhaseToPhase) {
  const std::array first = {Piece(0, 1), Piece(6, 2), Piece(8, 3)};
  const std::array second = {Piece(1, 4), Piece(11, 2)};
  const std::array third = {Piece(5, 1)};
  const std::array<Phase, 3> all = {first, second, third};
  EXPECT_TRUE(PhasesCover(all, 13));
  const std::array<Phase, 2> cut_short = {first, second};
  EXPECT_FALSE(PhasesCover(cut_short, 13));
  const std::array<Phase, 3> wrong_order = {first, third, second};
  EXPECT_FALSE(PhasesCover(wrong_order, 13));
}

TEST(PhasesCoverTest, NoRowTwice) {
  const std::array first = {Piece(0, 2), Piece(4, 2)};
  const std::array second = {Piece(2, 2), Piece(4, 2)};
  const std::array<Phase, 2> twice = {first, second};
  EXPECT_FALSE(PhasesCover(twice, 6));
  const std::array empty = {Piece(2, 0), Piece(2, 2)};
  const std::array<Phase, 2> with_empty = {first, empty};
  EXPECT_FALSE(PhasesCover(with_empty, 6));
}

}  // namespace
}  // namespace braid::ops
