// UBatch: rows that go through the model together. Plain data.
#ifndef BRAID_SRC_BATCH_UBATCH_H_
#define BRAID_SRC_BATCH_UBATCH_H_

#include <cstdint>
#include <vector>

#include "base/run.h"
#include "braid/types.h"

namespace braid {

// Rows are grouped by sequence: runs[i] covers rows of sequence sequences[i].
// Runs are disjoint, ascending, and cover all rows; a sequence has at most one
// run in a ubatch.
struct UBatch {
  std::vector<TokenId> tokens;        // [rows]
  std::vector<Position> positions;    // [rows]
  std::vector<int32_t> batch_index;   // [rows] index in the caller's batch
  std::vector<int32_t> wanted_rows;   // rows whose logits are wanted, ascending
  std::vector<int32_t> hidden_rows;   // whose hidden rows are wanted, ascending
  std::vector<int32_t> scored_rows;   // whose target is scored, ascending
  std::vector<uint8_t> pooled;        // [runs] 1: all rows are pooled, 0: none
  std::vector<Run> runs;              // cells are filled in by the memory
  std::vector<SequenceId> sequences;  // [runs]

  int rows() const { return static_cast<int>(tokens.size()); }
};

}  // namespace braid

#endif  // BRAID_SRC_BATCH_UBATCH_H_
