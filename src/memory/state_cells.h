// StateCells: what recurrent layers remember.
//
// A cell holds, for every recurrent layer, the convolution window and the state
// after one position of one or more sequences. Operators read a source cell and
// write a destination cell:
//
//   the sequence alone owns its cell     source == destination, in place
//   it shares the cell (after a fork)    a fresh destination
//   the sequence is empty                a fresh destination, source kNoCell
//
// The fresh destinations of one ubatch are one ascending range, in run order,
// when such a range is free; otherwise any free cells.
//
// How many cells are enough. Of S sequences let N be not empty, U of them alone
// on their cell, the others on H shared cells; every shared cell has at least
// two owners, so H <= (N - U) / 2. A plan takes at most one fresh cell for each
// sequence that is empty or shares: S - U. Later ubatches of the same plan work
// in place. With the U + H cells that exist that makes S + H <= S + S / 2, and
// forks in pairs that all advance in one ubatch need exactly that many.
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
#include "braid/result.h"
#include "braid/types.h"
#include "memory/free_slots.h"
#include "memory/mapped_region.h"
#include "memory/spec.h"

namespace braid {

class StateCells {
 public:
  // Reserves address space for all cells; nothing grows or moves later. A model
  // without recurrent layers gets no cells, and all runs stay kNoCell. Errors:
  // a size overflows or the system refuses.
  static Result<StateCells> Create(const MemorySpec& spec, int max_sequences);

  // Chooses source and destination of the runs of the next ubatch; run i
  // belongs to sequences[i], each at most once.
  void Plan(std::span<const SequenceId> sequences, std::span<Run> runs);
  // The planned runs become what the sequences remember. In plan order.
  void Commit(std::span<const SequenceId> sequences, std::span<const Run> runs);
  // Undoes the plan of a ubatch that was not committed. All such ubatches are
  // undone, in any order, before anything else is done.
  void Cancel(std::span<const SequenceId> sequences, std::span<const Run> runs);

  // `to` must be empty.
  void Fork(SequenceId from, SequenceId to);
  // Forgets a sequence; it may be empty.
  void Release(SequenceId sequence);

  // Memory of a recurrent layer in one cell, 64-byte aligned.
  float* ConvState(int layer, int32_t cell) {
    return reinterpret_cast<float*>(CellData(layer, cell));
  }
  float* ScanState(int layer, int32_t cell) {
    return reinterpret_cast<float*>(CellData(layer, cell) +
                                    layers_[layer].scan_offset);
  }

  // Is there any recurrent layer?
  bool present() const { return slots_.count() > 0; }
  int32_t CellOf(SequenceId sequence) const { return cell_of_[sequence]; }
  int32_t Owners(int32_t cell) const { return owners_[cell]; }
  int32_t cells() const { return slots_.count(); }
  int32_t cells_in_use() const { return slots_.count() - slots_.free(); }
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

  StateCells(int max_sequences, int32_t cells)
      : slots_(cells),
        owners_(cells, 0),
        planned_owners_(cells, 0),
        cell_of_(max_sequences, kNoCell),
        planned_cell_of_(max_sequences, kNoCell) {}

  std::byte* CellData(int layer, int32_t cell) {
    const Layer& l = layers_[layer];
    return region_.data() + l.offset + static_cast<size_t>(cell) * l.stride;
  }
  bool NeedsFreshCell(SequenceId sequence) const {
    const int32_t cell = planned_cell_of_[sequence];
    return cell == kNoCell || planned_owners_[cell] > 1;
  }

  MappedRegion region_;
  std::vector<Layer> layers_;
  size_t cell_bytes_ = 0;
  FreeSlots slots_;
  // What is, and what will be when the plan is committed; equal without a plan.
  // A cell is taken while either says that it has an owner.
  std::vector<int32_t> owners_, planned_owners_;    // [cells]
  std::vector<int32_t> cell_of_, planned_cell_of_;  // [max_sequences]
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_STATE_CELLS_H_
