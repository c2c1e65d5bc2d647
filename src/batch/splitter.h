// Splitter: a batch into ubatches.
#ifndef BRAID_SRC_BATCH_SPLITTER_H_
#define BRAID_SRC_BATCH_SPLITTER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "batch/ubatch.h"
#include "braid/batch.h"
#include "braid/result.h"

namespace braid {

// The rules. Sequences are always visited, and laid out inside a ubatch, in
// the order in which they first appear in the batch.
//
//   kRagged  Max-min fair: the largest level such that every unfinished
//            sequence gets min(tokens left, level) and all fits; what remains
//            of the budget goes one row each to the first that can use it. All
//            ubatches but the last are full, short sequences are never delayed
//            by long ones, and as many as possible are in flight together.
//   kEqual   The first min(unfinished sequences, max_rows) sequences, each with
//            the same number of rows: the fewest tokens that one of them has
//            left, or what fits.
//   kSimple  The next max_rows entries in call order.
//   kWhole   First fit: every sequence that still fits, none is cut.
//
// Owns its ubatches and reuses them: after the first batches of a given size
// Split allocates nothing. Not thread-safe.
class Splitter {
 public:
  // `max_rows` >= 1: the size of a ubatch (-ub).
  Splitter(SplitPolicy policy, int max_rows);

  // Cuts a batch that ValidateBatch has accepted. Within each sequence the
  // ubatches keep position order. The result is valid until the next Split.
  // Fails only for kWhole, when a sequence has more than max_rows tokens: the
  // error names the sequence, both numbers, and the flag to raise.
  Result<std::span<UBatch>> Split(const Batch& batch);

 private:
  // The tokens of one sequence: entries_[next, end) are not in a ubatch yet.
  struct Pending {
    SequenceId sequence;
    int next;
    int end;
    int take;  // how many of them the ubatch that is being made gets

    int left() const { return end - next; }
  };

  void GroupBySequence(const Batch& batch);
  Status CheckWholeSequencesFit() const;
  // Sets `take` of every pending sequence; `done` entries are in earlier
  // ubatches.
  void ChooseTakes(const Batch& batch, int done);
  void TakeRagged();
  void TakeEqual();
  void TakeSimple(const Batch& batch, int done);
  void TakeWhole();
  // Moves the taken entries into `ubatch`; drops finished sequences.
  void Emit(const Batch& batch, UBatch& ubatch);

  SplitPolicy policy_;
  int max_rows_;
  std::vector<UBatch> ubatches_;  // the first ones are in use
  std::vector<Pending> pending_;  // unfinished sequences, by first appearance
  std::vector<int32_t> entries_;  // batch indices, grouped by sequence
  std::vector<int32_t>
      of_sequence_;  // [sequence id] index into pending_, or -1
};

}  // namespace braid

#endif  // BRAID_SRC_BATCH_SPLITTER_H_
