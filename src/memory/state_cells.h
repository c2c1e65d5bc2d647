// StateCells: what recurrent layers remember.
//
// A cell holds, for every recurrent layer, the convolution window and the state
// after one position of one or more sequences. Operators read a source cell and
// write a destination cell:
//
//   only the run's sequences use it      source == destination, in place
//   others, or a checkpoint, use it too  a fresh destination
//   the sequence is empty                a fresh destination, source kNoCell
//
// Sequences that share a run leave it with one cell. Fresh destinations of one
// ubatch are one ascending range, in run order, when such a range is free;
// otherwise any free cells.
//
// Checkpoints are cells that are kept on purpose, each after one position of
// its sequence. Nothing is copied for them: a run that passes such a position
// writes its state to a cell of its own on the way (Run::snapshots), and what
// stands at the end of a run is kept by writing the next state elsewhere.
//
//   rolling   after every multiple of k = `rollback`, if k > 0: those from the
//             last multiple that is at most length - k on. At most two, and
//             they are the bases from which the replay log rebuilds the last k.
//   kept      after every multiple of `checkpoint_every`, and where Keep was
//             asked for, until their bytes exceed the budget: then the one that
//             was made first goes first, from all sequences that have it.
//
// Position 0 needs no cell: its state is zeros. Forks have their sequence's
// checkpoints, and share the cells. Sequences that share a run leave it with
// the checkpoints that any of them had.
//
// Planning works on a second set of books, which Plan changes as Commit will
// change the first, and which Cancel throws away. So a cell that one ubatch of
// a plan gives up can be planned again by the next: ubatches run and commit in
// order. Whatever Commit needs room for, Plan has made room for: Commit cannot
// fail. Within a ubatch nothing is given up before all is chosen, so that what
// is written anew is neither read by another run nor owned by anybody.
//
// How many cells are enough, for S sequences of which K cells of kept
// checkpoints can exist: between ubatches each sequence has its own cell and at
// most two rolling checkpoints, U = 3 S + K in all. A ubatch has at most S runs
// and takes, before it gives up anything, a destination and two rolling
// snapshots for each, and as many kept ones as survive it, K: U more. So does a
// restore, beside everything that it will replace. 2 U cells are reserved; none
// costs memory before it is written.
//
// A part of HybridMemory, which calls it in the order that its header shows.
// Not thread-safe.
#ifndef BRAID_SRC_MEMORY_STATE_CELLS_H_
#define BRAID_SRC_MEMORY_STATE_CELLS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/run.h"
#include "batch/ubatch.h"
#include "braid/result.h"
#include "braid/types.h"
#include "memory/free_slots.h"
#include "memory/mapped_region.h"
#include "memory/spec.h"

namespace braid {

class StateCells {
 public:
  struct Checkpoint {
    Position position = 0;  // the state is that after the tokens before it
    int32_t cell = kNoCell;
    bool kept = false;  // else rolling only
    uint64_t made = 0;  // number of its making, for the budget
  };

  // No budget keeps more cells than this: books are copied, so they stay small.
  static constexpr int64_t kMostKept = 16384;

  // What a layer keeps in a cell: window first, then state. A cell's layers
  // lie together, so that few cells are few pages of the system, huge ones
  // too.
  struct Layer {
    size_t offset = 0;  // in the cell
    size_t bytes = 0;
    size_t scan_offset = 0;  // from `offset`
  };
  // What an object reserves.
  struct Sizes {
    int32_t cells = 0;          // 0: no layer is recurrent
    int64_t most_kept = 0;      // of them, for kept checkpoints
    std::vector<Layer> layers;  // of the model
    size_t cell_bytes = 0;      // of one cell, all layers together
    size_t bytes = 0;           // of all cells
  };
  // Error: a size overflows.
  static Result<Sizes> SizesOf(const MemorySpec& spec,
                               const MemoryLimits& limits);

  // Reserves address space for all cells; nothing grows or moves later. A model
  // without recurrent layers gets no cells, and all runs stay kNoCell. Errors:
  // a size overflows or the system refuses.
  static Result<StateCells> Create(const MemorySpec& spec,
                                   const MemoryLimits& limits);

  // Chooses source, destination and snapshots of the runs of the next ubatch;
  // run i belongs to owners[i], a sequence to at most one run. Of states on the
  // way only those are snapshots that are still checkpoints when the ubatch is
  // committed. The snapshots lie in this object until the plan ends.
  void Plan(const RunOwners& owners, std::span<Run> runs);
  // The planned runs become what the sequences remember. In plan order.
  void Commit(const RunOwners& owners, std::span<const Run> runs);
  // Forgets what was planned and not committed.
  void Cancel();
  // The same, also where Plan threw in the middle of an ubatch.
  void Abandon();

  // `to` must be empty. Throws before anything has changed, as Keep does.
  void Fork(SequenceId from, SequenceId to);
  // Forgets a sequence; it may be empty.
  void Release(SequenceId sequence);
  // Keeps a checkpoint of where the sequence stands, at `position` > 0.
  void Keep(SequenceId sequence, Position position);

  // Ascending by position, none behind the sequence's end.
  std::span<const Checkpoint> Checkpoints(SequenceId sequence) const;
  // The last checkpoint at or before `position`; one at position 0 (kNoCell) if
  // there is none.
  Checkpoint CheckpointBefore(SequenceId sequence, Position position) const;
  // The position from which on the replay log of a sequence of `length`
  // positions must reach, so that it can go back by `rollback`: the larger of 0
  // and the last multiple of `rollback` that is at most length - rollback. With
  // rollback 0 it is `length`: nothing is logged.
  Position LogBegin(Position length) const;

  // Going back to `position`, from `from`, one of the sequence's checkpoints:
  // the sequence's cell becomes the checkpoint's (`position` is the
  // checkpoint's), or a fresh one whose state the caller has yet to rebuild:
  // source and destination of that run are returned. Checkpoints behind
  // `position` are forgotten.
  Run GoBack(SequenceId sequence, const Checkpoint& from, Position position);

  // Restoring. Room for all of a sequence's checkpoints, so that nothing below
  // can fail; a cell without owner, to be written and then given to sequences
  // and checkpoints (by ascending position); DropUnused gives back a cell that
  // nobody took. kNoCell: there is none; never for what one engine of these
  // limits can hold. The budget of kept checkpoints, most_kept(), is enforced
  // with the next ubatch.
  void ReserveCheckpoints(SequenceId sequence, size_t count);
  int32_t TakeCell();
  void Give(SequenceId sequence, int32_t cell, Position length);
  void GiveCheckpoint(SequenceId sequence, Position position, int32_t cell,
                      bool kept);
  void DropUnused(int32_t cell);

  // Memory of a recurrent layer in one cell, 64-byte aligned.
  float* ConvState(int layer, int32_t cell) {
    return reinterpret_cast<float*>(CellData(layer, cell));
  }
  float* ScanState(int layer, int32_t cell) {
    return reinterpret_cast<float*>(CellData(layer, cell) +
                                    layers_[layer].scan_offset);
  }
  // All that a layer keeps in one cell, padding included; empty for layers that
  // are not recurrent.
  std::span<std::byte> LayerBytes(int layer, int32_t cell);
  // The same of all layers.
  std::span<std::byte> CellBytes(int32_t cell) {
    return {region_.data() + static_cast<size_t>(cell) * cell_bytes_,
            cell_bytes_};
  }

  // Is there any recurrent layer?
  bool present() const { return cells() > 0; }
  int32_t CellOf(SequenceId sequence) const { return now_.cell_of[sequence]; }
  int32_t Owners(int32_t cell) const { return now_.owners[cell]; }
  int32_t cells() const { return now_.free.count(); }
  // The most that are in use at once from now until the plan is committed.
  int32_t cells_in_use() const;
  // Cells that only checkpoints use.
  int32_t checkpoint_cells() const { return now_.owned - now_.of_sequences; }
  // Cells that kept checkpoints may use.
  int64_t most_kept() const { return most_kept_; }
  // Bytes of one cell, all layers together.
  size_t cell_bytes() const { return cell_bytes_; }
  size_t capacity_bytes() const { return region_.size(); }
  // Cells from here on were never in use: no memory is behind them.
  int32_t cells_touched() const {
    return std::max(now_.free.touched(), planned_.free.touched());
  }

 private:
  // Who uses which cell. A cell that is not free and has no owner is in the
  // hands of Plan or of a restore.
  struct Books {
    Books(int32_t cells, int max_sequences);

    int32_t used() const { return free.count() - free.free(); }
    // One more owner of `cell`, and one less: the last one frees it.
    void Own(int32_t cell);
    void Disown(int32_t cell);
    // The same for the cell and the budget of a checkpoint.
    void OwnCheckpoint(const Checkpoint& checkpoint);
    void DisownCheckpoint(const Checkpoint& checkpoint);
    void Keep(Checkpoint& checkpoint);
    void Unkeep(Checkpoint& checkpoint);
    // `to` gets the checkpoints of `from` where it has none, or none kept.
    void AddMissing(SequenceId from, SequenceId to);
    // Room for so many checkpoints of the sequence.
    void Reserve(SequenceId sequence, size_t count);
    // `to` has those of `from` instead of its own.
    void CopyCheckpoints(SequenceId from, SequenceId to);
    // Puts the sequence's state into another cell, or into none.
    void Move(SequenceId sequence, int32_t cell);

    FreeSlots free;
    std::vector<int32_t> owners;       // [cells] sequences and checkpoints
    std::vector<int32_t> kept_owners;  // [cells] kept checkpoints
    std::vector<int32_t> states_of;    // [cells] sequences that stand there
    std::vector<int32_t> cell_of;      // [max_sequences]
    std::vector<Position> length;      // [max_sequences]
    std::vector<std::vector<Checkpoint>> checkpoints;  // [max_sequences]
    int32_t owned = 0;                                 // cells with owners
    int32_t of_sequences = 0;                          // those with states_of
    int32_t kept_cells = 0;                            // those with kept_owners
    uint64_t made = 0;                                 // checkpoints
  };

  StateCells(const MemoryLimits& limits, Sizes sizes);

  std::byte* CellData(int layer, int32_t cell) {
    return region_.data() + static_cast<size_t>(cell) * cell_bytes_ +
           layers_[layer].offset;
  }

  void PlanDestinations(const RunOwners& owners, std::span<Run> runs);
  void PlanSnapshots(std::span<Run> runs);
  // What the run passes and the books will want; its end is no snapshot. Takes
  // what will be kept off `may_be_kept`.
  void ListSnapshots(const Run& run, int64_t& may_be_kept,
                     std::vector<Snapshot>& list) const;
  // Room in both books for the checkpoints that the runs' sequences will have.
  void ReserveCheckpoints(const RunOwners& owners, std::span<const Run> runs);
  // What a committed ubatch does to the books.
  void Apply(const RunOwners& owners, std::span<const Run> runs,
             Books& books) const;
  void Append(std::span<const SequenceId> owners, const Run& run,
              Books& books) const;
  void DropPassed(SequenceId sequence, Books& books) const;
  void EnforceBudget(Books& books) const;

  // Is the state at `position` a rolling checkpoint of a sequence of `length`?
  bool Rolls(Position position, Position length) const;
  bool IsKeptByPolicy(Position position) const {
    return checkpoint_every_ > 0 && most_kept_ > 0 &&
           position % checkpoint_every_ == 0;
  }
  // Before what changes now_ otherwise than by Commit.
  void Change();

  MappedRegion region_;
  std::vector<Layer> layers_;
  size_t cell_bytes_ = 0;
  int rollback_;
  int checkpoint_every_;
  int64_t most_kept_;
  Books now_, planned_;
  int ahead_ = 0;             // ubatches planned and not committed
  bool stale_ = false;        // without a plan: planned_ differs from now_
  int32_t most_planned_ = 0;  // cells in use at once, by the plan
  // Of the plan's runs that have any; the first lists_used_ are in use.
  std::vector<std::vector<Snapshot>> snapshots_;
  size_t lists_used_ = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_STATE_CELLS_H_
