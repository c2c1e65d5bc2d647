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
//             was made first goes first.
//
// Position 0 needs no cell: its state is zeros. Forks have their sequence's
// checkpoints, and share the cells.
//
// Planning works on a second set of books, which is thrown away by Cancel and
// caught up with by Commit. A cell that an earlier ubatch of the plan gives up
// can so be planned again, and a plan needs at most one ubatch's snapshots more
// than what is in use. How many cells are enough: see Create.
//
// A part of HybridMemory, which calls it in the order that its header shows.
// Not thread-safe.
#ifndef BRAID_SRC_MEMORY_STATE_CELLS_H_
#define BRAID_SRC_MEMORY_STATE_CELLS_H_

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
    bool kept = false;  // else rolling
    uint64_t made = 0;  // number of its making, for the budget
  };

  // Reserves address space for all cells; nothing grows or moves later. A model
  // without recurrent layers gets no cells, and all runs stay kNoCell. Errors:
  // a size overflows or the system refuses.
  static Result<StateCells> Create(const MemorySpec& spec,
                                   const MemoryLimits& limits);

  // Chooses source, destination and snapshots of the runs of the next ubatch;
  // run i belongs to owners[i], a sequence to at most one run. The snapshots
  // lie in this object until the plan ends.
  void Plan(const RunOwners& owners, std::span<Run> runs);
  // The planned runs become what the sequences remember. In plan order.
  void Commit(const RunOwners& owners, std::span<const Run> runs);
  // Forgets what was planned and not committed.
  void Cancel();

  // `to` must be empty.
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

  // Restoring. A cell without owner, to be written and then given to sequences
  // and checkpoints; DropUnused gives back those that nobody took.
  int32_t TakeCell();
  void Give(SequenceId sequence, int32_t cell);
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

  // Is there any recurrent layer?
  bool present() const { return cells() > 0; }
  int32_t CellOf(SequenceId sequence) const { return now_.cell_of[sequence]; }
  int32_t Owners(int32_t cell) const { return now_.owners[cell]; }
  int32_t cells() const { return now_.free.count(); }
  // In use now, and when the plan is committed: the larger of the two.
  int32_t cells_in_use() const;
  // Cells that only checkpoints use.
  int32_t checkpoint_cells() const;
  // Bytes of one cell, all layers together.
  size_t cell_bytes() const { return cell_bytes_; }
  size_t capacity_bytes() const { return region_.size(); }

 private:
  // One layer's buffer is [cells][stride bytes]: window first, then state.
  struct Layer {
    size_t offset = 0;  // of its buffer in the region
    size_t stride = 0;
    size_t scan_offset = 0;
  };
  // Who uses which cell. Copied for every plan; keeps its buffers.
  struct Books {
    FreeSlots free;
    std::vector<int32_t> owners;   // [cells] sequences and checkpoints
    std::vector<int32_t> cell_of;  // [max_sequences]
    std::vector<std::vector<Checkpoint>> checkpoints;  // [max_sequences]
    uint64_t made = 0;
  };

  StateCells(const MemoryLimits& limits, int32_t cells);

  std::byte* CellData(int layer, int32_t cell) {
    const Layer& l = layers_[layer];
    return region_.data() + l.offset + static_cast<size_t>(cell) * l.stride;
  }

  MappedRegion region_;
  std::vector<Layer> layers_;
  size_t cell_bytes_ = 0;
  int rollback_ = 0;
  int checkpoint_every_ = 0;
  int64_t most_kept_ = 0;  // cells that kept checkpoints may use
  Books now_, planned_;
  bool planning_ = false;                         // planned_ is ahead of now_
  std::vector<std::vector<Snapshot>> snapshots_;  // of the plan's runs
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_STATE_CELLS_H_
