// HybridMemory: everything that the sequences of an engine remember.
//
// State cells for recurrent layers, pages for attention layers and for the
// replay log, planned and committed together; and the encoder's texts, which
// are added beside a plan. A pure model simply has the others empty.
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
#include <string>
#include <utility>
#include <vector>

#include "base/run.h"
#include "batch/ubatch.h"
#include "braid/result.h"
#include "braid/types.h"
#include "memory/cross_pages.h"
#include "memory/kv_pages.h"
#include "memory/lineage.h"
#include "memory/restored_memory.h"
#include "memory/spec.h"
#include "memory/state_cells.h"

namespace braid {

// What the runs of one ubatch may touch. Valid until the next Begin, Commit,
// Cancel, Plan or sequence operation.
struct UBatchView {
  std::span<const Run> runs;  // cells and snapshots filled in
  // [groups of attention layers][runs]; see HybridMemory::GroupOf.
  std::span<const std::span<const PageTable>> tables;
  std::span<const PageTable> log;  // [runs]; empty: there is no replay log
};

// How a sequence can go back to a position.
struct WayBack {
  // The checkpoint from which to start; none (its cell is kNoCell) for models
  // without recurrent layers, or when it is position 0.
  StateCells::Checkpoint checkpoint;
  Position position = 0;  // where to go
  // The state at `position` is the checkpoint's, or rebuilt from it with the
  // replay log. Otherwise the sequence goes back to the checkpoint, and the
  // tokens from there to `position` must be evaluated again.
  bool exact = true;

  Position replayed() const {
    return exact ? position - checkpoint.position : 0;
  }
};

class HybridMemory {
 public:
  // Refuses limits that make no sense (no sequences, no positions for a model
  // with attention) and sizes that overflow.
  static Result<std::unique_ptr<HybridMemory>> Create(MemorySpec spec,
                                                      MemoryLimits limits);

  // The position of each sequence's next token; 0 for an empty sequence.
  std::span<const Position> next_positions() const {
    return lineage_.lengths();
  }
  const Lineage& lineage() const { return lineage_; }

  // Reserves cells and pages for all ubatches of a batch, as a Splitter made
  // them. On failure the memory is as before and the error says what is used,
  // by whom, and which flag to raise. Replaces a plan that was not fully
  // committed. kAny: what was there a moment ago comes back, whatever the limit
  // in bytes. Throws, as below only what takes memory does, with the memory as
  // before.
  enum class Bytes { kLimited, kAny };
  // `encoder_bytes`: of the texts that are going to be added beside the plan.
  Status Plan(std::span<const UBatch> ubatches, Bytes bytes = Bytes::kLimited,
              size_t encoder_bytes = 0);
  // Ubatches are begun and committed in order, 0, 1, ..., which cannot fail.
  // Once something was written through the view, the ubatch must be committed,
  // or the cells of runs that have one cell as source and destination must get
  // back what they held: they are overwritten in place.
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
  // All layers' states in a cell.
  std::span<std::byte> CellBytes(int32_t cell) {
    return cells_.CellBytes(cell);
  }
  // Which of UBatchView::tables are an attention layer's.
  int GroupOf(int layer) const { return group_of_[layer]; }
  // Page p of an attention layer at PageBase + p * PageStride.
  std::byte* PageBase(int layer) {
    return groups_[group_of_[layer]].PageBase(layer);
  }
  size_t PageStride(int layer) const {
    return groups_[group_of_[layer]].PageStride(layer);
  }
  // Page p of a recurrent layer's log: floats [kLogPositions][log_floats].
  float* LogPage(int layer, int32_t page) {
    return reinterpret_cast<float*>(log_.PageBase(layer) +
                                    static_cast<size_t>(page) *
                                        log_.PageStride(layer));
  }
  size_t LogFloats(int layer) const { return spec_.layers[layer].log_floats; }

  // The operations on sequences, when they are not refused, end a plan as
  // Cancel does.

  // Error: there is no such sequence.
  Status CheckSequence(SequenceId sequence) const;
  // Makes `to` (which must be empty) remember what `from` remembers. Free until
  // one of them is written to.
  Status Fork(SequenceId from, SequenceId to);
  // Forgets a sequence and its encoder text; it may be empty.
  Status Release(SequenceId sequence);
  // Forgets every sequence except one.
  Status Keep(SequenceId sequence);
  // Keeps a checkpoint of where the sequence stands.
  Status Checkpoint(SequenceId sequence);

  // How can the sequence, which is longer, go back to `position` > 0? Changes
  // nothing. Error: it cannot, how far it still can, and which flag to raise.
  Result<WayBack> FindWayBack(SequenceId sequence, Position position) const;
  // The least position > 0 that FindWayBack finds a way to, whatever must be
  // evaluated again; the sequence's length: there is none.
  Position EarliestWayBack(SequenceId sequence) const;
  // Error: so many positions more do not fit, whoever's they are.
  Status CheckRoom(int64_t positions) const;
  // Goes back, to way.position if way.exact and to the checkpoint's position
  // otherwise. If way.replayed() > 0 the caller must at once rebuild the state:
  // one run, from the checkpoint's position to way.position, whose source,
  // destination and log the view has.
  UBatchView GoBack(SequenceId sequence, const WayBack& way);

  // The first position that a sequence of `length` needs of a page set: an
  // attention group, or the replay log, whose number is groups().size().
  Position KeptFrom(size_t set, Position length) const;
  // Would `restored` fit beside the sequences `kept`, ascending, if all others
  // were released? Errors name what does not fit, and the flag to raise.
  Status CheckRestore(const RestoredMemory& restored,
                      std::span<const SequenceId> kept) const;
  // What Restore works with, made before anything changes.
  struct RestoreScratch {
    std::vector<int32_t> cells;                // [cells of `restored`]
    std::vector<std::vector<int32_t>> groups;  // [page sets][of `restored`]
    std::vector<int32_t> shared;               // groups of one sequence
    std::vector<std::pair<uint64_t, size_t>> oldest;  // made, sequence
    std::vector<size_t> given;                        // [sequences] checkpoints
    std::vector<SequenceId> others;                   // [sequences]
    std::vector<Position> shared_lengths;             // [sequences]
    std::vector<SequenceId> first_with;               // [texts]
  };
  // Makes room for all that Restore will write down; changes nothing.
  RestoreScratch PrepareRestore(const RestoredMemory& restored);
  // Releases all sequences but `kept` and restores; CheckRestore has accepted
  // both, and nothing can fail. The caller must at once write the bytes: cell i
  // of `restored` is scratch.cells[i], pages and texts are in the tables of the
  // sequences.
  void Restore(const RestoredMemory& restored, std::span<const SequenceId> kept,
               RestoreScratch& scratch);

  // Bytes in use by sequences and the current plan, and reserved in all
  // (address space: what was never used has no memory behind it).
  size_t used_bytes() const;
  size_t capacity_bytes() const;
  size_t checkpoint_bytes() const;
  size_t log_bytes() const { return log_.used_bytes(); }

  // The encoder texts of the sequences; Fork, Release and Keep above treat them
  // as part of their sequence.
  CrossPages& cross() { return cross_; }
  const CrossPages& cross() const { return cross_; }

  const MemorySpec& spec() const { return spec_; }
  const MemoryLimits& limits() const { return limits_; }
  const StateCells& cells() const { return cells_; }
  // Of attention layers: those without a window, if there are any, come first.
  std::span<const KvPages> groups() const { return groups_; }
  int WindowOf(int group) const { return windows_[group]; }
  const KvPages& log() const { return log_; }

 private:
  // One planned ubatch: a range of the vectors below.
  struct Planned {
    size_t begin = 0;
    size_t end = 0;
    RunOwners owners;
  };

  // What sequences use, each thing once for all that share it.
  struct Use {
    int64_t positions = 0;
    int32_t cells = 0;
    std::vector<int32_t> groups;  // [page sets]
    int64_t text_tokens = 0;
    int64_t text_pages = 0;
  };

  HybridMemory(MemorySpec spec, MemoryLimits limits, StateCells cells,
               KvPages log, CrossPages cross, Lineage lineage);

  Status AddGroups();
  Status PlanAll(std::span<const UBatch> ubatches, Bytes bytes,
                 size_t encoder_bytes);
  void ForgetPlan();
  Status CheckBytes(size_t used_before, size_t encoder_bytes) const;
  std::string LargestUsers() const;
  void PlanUBatch(int index);
  std::span<Run> RunsOf(const Planned& planned) {
    return std::span(runs_).subspan(planned.begin, planned.end - planned.begin);
  }
  // Gives back what lies behind the windows and before the log of a sequence.
  void ForgetWhatIsBehind(SequenceId sequence);
  // What a sequence cannot go back to.
  Error NoWayBack(SequenceId sequence, Position position) const;
  // Can a query at `position` see all that its windows ask for?
  bool WindowsReach(SequenceId sequence, Position position) const;

  // Restoring: hybrid_memory_restore.cc.
  const KvPages& PageSet(size_t set) const {
    return set < groups_.size() ? groups_[set] : log_;
  }
  Use UseOf(std::span<const SequenceId> sequences) const;
  void RestoreCells(const RestoredMemory& restored, RestoreScratch& scratch);
  void RestorePages(const RestoredMemory& restored, size_t set,
                    RestoreScratch& scratch);
  void RestoreLineage(const RestoredMemory& restored, RestoreScratch& scratch);

  MemorySpec spec_;
  MemoryLimits limits_;
  StateCells cells_;
  std::vector<int> group_of_;  // [layers]; -1: no attention
  std::vector<int> windows_;   // [groups]; 0: everything
  std::vector<KvPages> groups_;
  KvPages log_;
  CrossPages cross_;
  Lineage lineage_;

  // The current plan; its runs lie one after another.
  std::vector<Planned> planned_;  // [ubatches], the first planned_count_ in use
  size_t planned_count_ = 0;
  std::vector<Run> runs_;                          // [runs of all ubatches]
  std::vector<Position> log_from_;                 // [runs]
  std::vector<std::vector<PageTable>> tables_;     // [groups][runs]
  std::vector<PageTable> log_tables_;              // [runs]; empty: no log
  std::vector<std::span<const PageTable>> views_;  // [groups] of one ubatch
  int committed_ = 0;                              // ubatches
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_HYBRID_MEMORY_H_
