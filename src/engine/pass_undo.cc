#include "engine/pass_undo.h"

#include <cstring>
#include <utility>

namespace braid {

bool KnownSizes::Covers(const PassSize& size, const Arena& arena) const {
  // An arena that could not merge its blocks has lost them.
  return arena.capacity() >= capacity_ &&
         (plain_.Covers(size) || scored_.Covers(size));
}

void KnownSizes::Add(const PassSize& size, const Arena& arena) {
  if (Covers(size, arena)) return;
  if (arena.capacity() < capacity_) Clear();
  capacity_ = arena.capacity();
  PassSize& known = size.scored == 0 ? plain_ : scored_;
  known = size;
}

PassUndo::PassUndo(HybridMemory& memory, std::span<Carried> carried,
                   const UBatch& ubatch, std::span<const Run> runs) {
  for (const Run& run : runs) {
    if (run.source == kNoCell || run.source != run.destination) continue;
    const std::span<std::byte> state = memory.CellBytes(run.source);
    // Not std::vector: nothing needs zeros here.
    std::unique_ptr<std::byte[]> copy(new std::byte[state.size()]);
    std::memcpy(copy.get(), state.data(), state.size());
    cells_.push_back({state, std::move(copy)});
  }
  for (const SequenceId id : ubatch.owners.sequences) {
    Carried& one = carried[id];
    sequences_.push_back({.carried = &one,
                          .tokens = one.tokens.size(),
                          .last_row = one.last_row,
                          .pooled = one.pooled,
                          .rows = one.rows,
                          .marks = one.marks});
  }
}

void PassUndo::PutBack() {
  for (const Cell& cell : cells_) {
    std::memcpy(cell.state.data(), cell.copy.get(), cell.state.size());
  }
  for (Sequence& sequence : sequences_) {
    Carried& carried = *sequence.carried;
    carried.tokens.resize(sequence.tokens);
    carried.last_row = std::move(sequence.last_row);
    carried.pooled = sequence.pooled;
    carried.rows = std::move(sequence.rows);
    carried.marks = std::move(sequence.marks);
  }
}

}  // namespace braid
