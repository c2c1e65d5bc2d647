// Run and PageTable: how a model sees sequences, without knowing their ids.
#ifndef BRAID_SRC_BASE_RUN_H_
#define BRAID_SRC_BASE_RUN_H_

#include <cstdint>
#include <span>

#include "braid/types.h"

namespace braid {

inline constexpr int32_t kNoCell = -1;
inline constexpr int32_t kNoPage = -1;

// Positions in one page of keys and values. A multiple of the block in which
// attention walks positions, so that a block never straddles two pages.
inline constexpr int kPagePositions = 32;
// Positions in one page of the replay log.
inline constexpr int kLogPositions = 8;

// The state after the first `offset` rows of a run is also kept in `cell`.
struct Snapshot {
  int32_t offset = 0;  // 0 < offset < the run's length
  int32_t cell = kNoCell;
};

// Consecutive rows of a ubatch that belong to one sequence, or to several that
// share them, in position order.
struct Run {
  int32_t begin = 0;            // first row in the ubatch
  int32_t length = 0;           // rows, >= 1
  Position first_position = 0;  // of row `begin`; the others follow without gap

  // State cells (recurrent layers): the state before the first row and where
  // the state after the last row goes. kNoCell as source means a fresh
  // sequence (zeros). Filled by the memory's plan; equal in the steady state.
  int32_t source = kNoCell;
  int32_t destination = kNoCell;
  // By ascending offset; filled by the memory's plan, valid as long as its
  // view.
  std::span<const Snapshot> snapshots = {};

  Position end_position() const { return first_position + length; }
};

// The pages that hold what a sequence keeps by position, in position order:
// page i holds positions [i * P, (i + 1) * P), with P = kPagePositions for keys
// and values, kLogPositions for the replay log. kNoPage where nothing is kept:
// behind a layer's window, or not in the log.
struct PageTable {
  std::span<const int32_t> pages;
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_RUN_H_
