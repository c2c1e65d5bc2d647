#include "memory/lineage.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "memory/checked_size.h"

namespace braid {

Result<Lineage> Lineage::Create(int max_sequences) {
  const size_t sequences = static_cast<size_t>(max_sequences);
  const auto size =
      (CheckedSize(sequences) * sizeof(Position) * sequences).value();
  if (!size) {
    return Error{Format("{} sequences are too many: lower -np", max_sequences)};
  }
  // Before anything that takes memory: most numbers that make no sense fit in
  // 64 bits, and are refused by the system.
  BRAID_ASSIGN(MappedRegion shared,
               MappedRegion::Create(*size, MappedRegion::Pages::kSmall));
  Lineage lineage(max_sequences);
  lineage.shared_ = std::move(shared);
  return lineage;
}

Position* Lineage::SharedRow(SequenceId sequence) const {
  return reinterpret_cast<Position*>(shared_.data()) +
         static_cast<size_t>(sequence) * length_.size();
}

Position Lineage::SharedWithAny(SequenceId sequence) const {
  const Position* row = SharedRow(sequence);
  return *std::max_element(row, row + sequences());
}

void Lineage::Append(std::span<const SequenceId> owners, int32_t count) {
  for (const SequenceId owner : owners) length_[owner] += count;
  for (const SequenceId a : owners) {
    for (const SequenceId b : owners) {
      if (a == b) continue;
      BRAID_CHECK(SharedRow(a)[b] + count == length_[a]);
      SharedRow(a)[b] = length_[a];
    }
  }
  positions_ += count;
}

void Lineage::Fork(SequenceId from, SequenceId to) {
  BRAID_CHECK(length_[to] == 0);
  const Position length = length_[from];
  length_[to] = length;
  for (SequenceId other = 0; other < sequences(); ++other) {
    // Most pairs share nothing; writing only what changes keeps the rest of
    // the mapping untouched.
    const Position shared = SharedRow(from)[other];
    if (other == to || shared == 0) continue;
    SharedRow(to)[other] = SharedRow(other)[to] = shared;
  }
  SharedRow(from)[to] = SharedRow(to)[from] = length;
}

void Lineage::Truncate(SequenceId sequence, Position length) {
  const Position before = length_[sequence];
  BRAID_CHECK(length >= 0 && length <= before);
  positions_ -= before - std::max(length, SharedWithAny(sequence));
  length_[sequence] = length;
  for (SequenceId other = 0; other < sequences(); ++other) {
    Position& shared = SharedRow(sequence)[other];
    if (shared <= length) continue;
    shared = SharedRow(other)[sequence] = length;
  }
}

void Lineage::Restore(SequenceId sequence, Position length,
                      std::span<const SequenceId> others,
                      std::span<const Position> shared) {
  BRAID_CHECK(length_[sequence] == 0 && others.size() == shared.size());
  length_[sequence] = length;
  for (size_t i = 0; i < others.size(); ++i) {
    SharedRow(sequence)[others[i]] = shared[i];
    SharedRow(others[i])[sequence] = shared[i];
  }
  positions_ += length - SharedWithAny(sequence);
}

}  // namespace braid
