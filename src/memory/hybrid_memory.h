// HybridMemory: everything that the sequences of an engine remember.
//
// State cells for recurrent layers, pages for attention layers, planned and
// committed together. A pure model simply has one of the two empty.
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

#include "base/run.h"
#include "batch/ubatch.h"
#include "braid/result.h"
#include "braid/types.h"
#include "memory/spec.h"

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
  virtual ~HybridMemory() = default;

  // The position of each sequence's next token; 0 for an empty sequence.
  virtual std::span<const Position> next_positions() const = 0;

  // Reserves cells and pages for all ubatches of a batch. On failure the memory
  // is as before and the error says what is used, by how many sequences, and
  // which flag to raise. Replaces a plan that was not fully committed.
  virtual Status Plan(std::span<const UBatch> ubatches) = 0;
  // Ubatches are begun and committed in order, 0, 1, ...
  virtual UBatchView Begin(int ubatch) = 0;
  virtual void Commit(int ubatch) = 0;
  // Gives back what the uncommitted rest of the plan had reserved.
  virtual void Cancel() = 0;

  // Memory of a layer. `cell` and page numbers come from a view.
  virtual float* ConvState(int layer, int32_t cell) = 0;
  virtual float* ScanState(int layer, int32_t cell) = 0;
  virtual std::byte* PageBase(int layer) = 0;  // page p at + p * PageStride
  virtual size_t PageStride(int layer) const = 0;

  // Makes `to` (which must be empty) remember what `from` remembers. Free until
  // one of them is written to.
  virtual Status Fork(SequenceId from, SequenceId to) = 0;
  // Forgets positions [begin, end); end < 0 means to the end. The whole
  // sequence can always be removed; attention-only memories can drop a tail;
  // what cannot be done is refused and changes nothing.
  virtual Status Remove(SequenceId sequence, Position begin, Position end) = 0;
  // Forgets every sequence except one.
  virtual Status Keep(SequenceId sequence) = 0;

  // Bytes in use by sequences, and reserved in all.
  virtual size_t used_bytes() const = 0;
  virtual size_t capacity_bytes() const = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_HYBRID_MEMORY_H_
