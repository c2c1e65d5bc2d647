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

// What is cut is a *stream*: entries, one behind the other in position, of the
// same set of sequences. Without shared tokens that is a sequence. Where a set
// falls apart, each of its sequences goes on in a child of the stream, which
// waits until the stream is finished: a recurrent layer can read the state that
// the children start from only after the ubatch that makes it. A stream whose
// parent is finished in an earlier ubatch is *ready*.
//
// The rules. Ready streams are always visited, and laid out inside a ubatch, in
// the order in which they first appear in the batch.
//
//   kRagged  Max-min fair, in runs that are worth their state. The largest
//            level such that every ready stream gets min(tokens left, level)
//            and all fits; what remains of the budget goes one row each to the
//            first that can use it. If the level is below kShortestRun, the
//            streams that it does not finish get min(tokens left, kShortestRun)
//            each instead, the first of them first, until the ubatch is full.
//            As long as no stream waits, all ubatches but the last are full,
//            and streams of few tokens are never delayed by long ones.
//   kEqual   The first min(ready streams, max_rows) streams, each with the same
//            number of rows: the fewest tokens that one of them has left, or
//            what fits.
//   kSimple  The next max_rows entries in call order, or those before the first
//            whose stream is not ready.
//   kWhole   First fit: every ready stream that still fits, none is cut.
//
// Owns its ubatches and reuses them: after the first batches of a given size
// Split allocates nothing. Not thread-safe.
class Splitter {
 public:
  // Rows of a run below which kRagged cuts none to let more sequences in. A run
  // reads and writes the state of its sequence once, whatever its length:
  // against texts alone, runs of 1 lose a fifth of the speed, of 8 a twentieth,
  // of 16 a fiftieth (bench/pooling_bench, docs/SPEED.md).
  static constexpr int32_t kShortestRun = 16;

  // `max_rows` >= 1: the size of a ubatch (-ub).
  Splitter(SplitPolicy policy, int max_rows);

  // Cuts a batch that ValidateBatch has accepted. Within each sequence the
  // ubatches keep position order. The owners of a run are in ascending order.
  // The result is valid until the next Split. Fails only for kWhole, when a
  // stream has more than max_rows tokens: the error names the sequence, both
  // numbers, and the flag to raise.
  Result<std::span<UBatch>> Split(const Batch& batch);

 private:
  static constexpr int32_t kNoStream = -1;

  // entries_[next, end) are not in a ubatch yet.
  struct Stream {
    int32_t parent;  // or kNoStream
    int32_t owners_begin;
    int32_t owners_end;  // of owners_
    int32_t next = 0;
    int32_t end = 0;
    int32_t take = 0;  // how many of them the ubatch that is being made gets

    int32_t owners() const { return owners_end - owners_begin; }
    int32_t left() const { return end - next; }
  };

  void FindStreams(const Batch& batch);
  int32_t StreamOf(std::span<const SequenceId> sequences);
  void GroupByStream();
  Status CheckWholeStreamsFit() const;
  // Drops finished streams from pending_ and lists those that are ready.
  void FindReady();
  bool IsReady(const Stream& stream) const;
  // Sets `take` of every ready stream; `done` entries are in earlier ubatches.
  void ChooseTakes(int done);
  void TakeRagged();
  // The rest of kRagged where `level` is below kShortestRun; `spare` rows are
  // left if all ready streams get min(tokens left, level).
  void TakeLongRuns(int32_t level, int64_t spare);
  void TakeEqual();
  void TakeSimple(int done);
  void TakeWhole();
  // Moves the taken entries into `ubatch`.
  void Emit(const Batch& batch, UBatch& ubatch);

  SplitPolicy policy_;
  int max_rows_;
  std::vector<UBatch> ubatches_;    // the first ones are in use
  std::vector<Stream> streams_;     // by first appearance
  std::vector<SequenceId> owners_;  // of stream 0, of stream 1, ...
  std::vector<int32_t> pending_;    // unfinished streams, ascending
  std::vector<int32_t> ready_;      // those of them that are ready
  std::vector<int32_t> entries_;    // batch indices, grouped by stream
  std::vector<int32_t> of_entry_;   // [entries] its stream
  // [sequence id] the stream of its last entry so far, or kNoStream
  std::vector<int32_t> of_sequence_;
};

}  // namespace braid

#endif  // BRAID_SRC_BATCH_SPLITTER_H_
