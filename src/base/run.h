// Run and PageTable: how a model sees sequences, without knowing their ids.
#ifndef BRAID_SRC_BASE_RUN_H_
#define BRAID_SRC_BASE_RUN_H_

#include <cstdint>
#include <span>

#include "braid/types.h"

namespace braid {

inline constexpr int32_t kNoCell = -1;

// Positions in one page of keys and values. A multiple of the block in which
// attention walks positions, so that a block never straddles two pages.
inline constexpr int kPagePositions = 32;

// Consecutive rows of a ubatch that belong to one sequence, in position order.
struct Run {
  int32_t begin = 0;            // first row in the ubatch
  int32_t length = 0;           // rows, >= 1
  Position first_position = 0;  // of row `begin`; the others follow without gap

  // State cells (recurrent layers): the state before the first row and where
  // the state after the last row goes. kNoCell as source means a fresh
  // sequence (zeros). Filled by the memory's plan; equal in the steady state.
  int32_t source = kNoCell;
  int32_t destination = kNoCell;
};

// The pages that hold a sequence's keys and values, in position order: page i
// holds positions [i * kPagePositions, (i + 1) * kPagePositions).
struct PageTable {
  std::span<const int32_t> pages;
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_RUN_H_
