// UBatch: rows that go through the model together. Plain data.
#ifndef BRAID_SRC_BATCH_UBATCH_H_
#define BRAID_SRC_BATCH_UBATCH_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/run.h"
#include "braid/types.h"

namespace braid {

// Who owns the runs of a ubatch: each has one sequence or several that share
// it.
struct RunOwners {
  std::vector<SequenceId> sequences;  // those of run 0, of run 1, ...
  std::vector<int32_t> ends;          // [runs] of a run's part of `sequences`

  size_t runs() const { return ends.size(); }
  std::span<const SequenceId> operator[](size_t run) const {
    const int32_t begin = run == 0 ? 0 : ends[run - 1];
    return std::span(sequences).subspan(static_cast<size_t>(begin),
                                        static_cast<size_t>(ends[run] - begin));
  }
  void Add(std::span<const SequenceId> owners) {
    sequences.insert(sequences.end(), owners.begin(), owners.end());
    ends.push_back(static_cast<int32_t>(sequences.size()));
  }
  void Clear() {
    sequences.clear();
    ends.clear();
  }
};

// Rows are grouped by sequence: runs[i] covers rows of the sequences owners[i],
// which share them. Runs are disjoint, ascending, and cover all rows; a
// sequence has at most one run in a ubatch.
struct UBatch {
  std::vector<TokenId> tokens;       // [rows]
  std::vector<Position> positions;   // [rows]
  std::vector<int32_t> batch_index;  // [rows] index in the caller's batch
  std::vector<int32_t> wanted_rows;  // rows whose logits are wanted, ascending
  std::vector<int32_t> hidden_rows;  // whose hidden rows are wanted, ascending
  std::vector<int32_t> scored_rows;  // whose target is scored, ascending
  std::vector<uint8_t> pooled;       // [runs] 1: all rows are pooled, 0: none
  std::vector<Run> runs;             // cells are filled in by the memory
  RunOwners owners;                  // [runs]

  int rows() const { return static_cast<int>(tokens.size()); }
};

}  // namespace braid

#endif  // BRAID_SRC_BATCH_UBATCH_H_
