// HybridMemory: everything that the sequences of an engine remember.
//
// State cells for recurrent layers, pages for attention layers, planned and
// committed together; and the encoder's texts, which are added beside a plan. A
// pure model simply has one of the two empty.
//
//   BRAID_TRY(memory.Plan(ubatches));        // all reserved, nothing changed
//   for (int i = 0; i < n; ++i) {
//     const UBatchView view = memory.Begin(i);  // cells and pages of ubatch i
//     ... forward pass reads and writes through the view ...
//     memory.Commit(i);                      // the sequences have advanced
//   }                                        // or memory.Cancel() in between
//
// Steady state allocates nothing. Not thread-safe.
#ifndef BRAID_SRC_MEMORY_HYBRID_MEMORY_H_
#define BRAID_SRC_MEMORY_HYBRID_MEMORY_H_

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/run.h"
#include "batch/ubatch.h"
#include "braid/result.h"
#include "braid/types.h"
#include "memory/cross_pages.h"
#include "memory/kv_pages.h"
#include "memory/spec.h"
#include "memory/state_cells.h"

namespace braid {

// What the runs of one ubatch may touch. Valid until the next Begin, Commit,
// Cancel, Plan or sequence operation.
struct UBatchView {
  std::span<const Run> runs;          // source and destination cells filled in
  std::span<const PageTable> tables;  // [runs]; empty without attention layers
};

class HybridMemory {
 public:
  // Refuses limits that make no sense (no sequences, no positions for a model
  // with attention) and sizes that overflow.
  static Result<std::unique_ptr<HybridMemory>> Create(MemorySpec spec,
                                                      MemoryLimits limits);

  // The position of each sequence's next token; 0 for an empty sequence.
  std::span<const Position> next_positions() const { return next_positions_; }

  // Reserves cells and pages for all ubatches of a batch, as a Splitter made
  // them. On failure the memory is as before and the error says what is used,
  // by how many sequences, and which flag to raise. Replaces a plan that was
  // not fully committed.
  Status Plan(std::span<const UBatch> ubatches);
  // Ubatches are begun and committed in order, 0, 1, ... Once something was
  // written through the view, the ubatch must be committed: in the steady state
  // the old state is overwritten in place.
  UBatchView Begin(int ubatch);
  void Commit(int ubatch);
  // Gives back what the uncommitted rest of the plan had reserved. Sequences
  // stand where the committed ubatches left them.
  void Cancel();

  // Memory of a layer. `cell` and page numbers come from a view. Nothing is
  // zeroed in between: a fresh sequence reads no cell (kNoCell).
  float* ConvState(int layer, int32_t cell) {
    return cells_.ConvState(layer, cell);
  }
  float* ScanState(int layer, int32_t cell) {
    return cells_.ScanState(layer, cell);
  }
  // Page p at PageBase + p * PageStride.
  std::byte* PageBase(int layer) { return pages_.PageBase(layer); }
  size_t PageStride(int layer) const { return pages_.PageStride(layer); }

  // The operations on sequences, when they are not refused, end a plan as
  // Cancel does.

  // Makes `to` (which must be empty) remember what `from` remembers. Free until
  // one of them is written to.
  Status Fork(SequenceId from, SequenceId to);
  // Forgets positions [begin, end); end < 0 means to the end, and positions
  // that the sequence does not have are ignored. The whole sequence can always
  // be removed; attention-only memories can drop a tail; what cannot be done is
  // refused and changes nothing.
  Status Remove(SequenceId sequence, Position begin, Position end);
  // Forgets every sequence except one.
  Status Keep(SequenceId sequence);

  // Bytes in use by sequences and the current plan, and reserved in all
  // (address space: what was never used has no memory behind it).
  size_t used_bytes() const;
  size_t capacity_bytes() const;

  // The encoder texts of the sequences; Fork, Remove and Keep above treat them
  // as part of their sequence.
  CrossPages& cross() { return cross_; }
  const CrossPages& cross() const { return cross_; }

  const StateCells& cells() const { return cells_; }
  const KvPages& pages() const { return pages_; }

 private:
  HybridMemory(StateCells cells, KvPages pages, CrossPages cross,
               int max_sequences)
      : cells_(std::move(cells)),
        pages_(std::move(pages)),
        cross_(std::move(cross)),
        next_positions_(max_sequences, 0) {}

  // One planned ubatch: a range of the vectors below.
  struct Planned {
    size_t begin = 0;
    size_t end = 0;
  };

  std::span<const Run> RunsOf(const Planned& planned) const {
    return std::span(runs_).subspan(planned.begin, planned.end - planned.begin);
  }
  std::span<const SequenceId> SequencesOf(const Planned& planned) const {
    return std::span(sequences_)
        .subspan(planned.begin, planned.end - planned.begin);
  }
  Status CheckSequence(SequenceId sequence) const;
  // Forgets the positions of a sequence from `length` on.
  void Truncate(SequenceId sequence, Position length);

  StateCells cells_;
  KvPages pages_;
  CrossPages cross_;
  std::vector<Position> next_positions_;  // [max_sequences]

  // The current plan; its runs lie one after another.
  std::vector<Planned> planned_;       // [ubatches]
  std::vector<Run> runs_;              // [runs of all ubatches]
  std::vector<SequenceId> sequences_;  // [runs]
  std::vector<PageTable> tables_;      // [runs]; empty without attention
  int committed_ = 0;                  // ubatches
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_HYBRID_MEMORY_H_
