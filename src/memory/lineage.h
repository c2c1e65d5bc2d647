// Lineage: how long every sequence is, and which of them share their past.
//
// Two sequences share the leading positions that were computed once for both:
// by a fork, or because their tokens were given together. Equal tokens that
// were computed twice are not shared. Shared positions are always a prefix.
//
// A part of HybridMemory. Not thread-safe.
#ifndef BRAID_SRC_MEMORY_LINEAGE_H_
#define BRAID_SRC_MEMORY_LINEAGE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "braid/result.h"
#include "braid/types.h"
#include "memory/mapped_region.h"

namespace braid {

class Lineage {
 public:
  // Errors: the table overflows, or the system refuses.
  static Result<Lineage> Create(int max_sequences);

  int sequences() const { return static_cast<int>(length_.size()); }
  Position Length(SequenceId sequence) const { return length_[sequence]; }
  std::span<const Position> lengths() const { return length_; }
  // Leading positions that two different sequences share.
  Position Shared(SequenceId a, SequenceId b) const { return SharedRow(a)[b]; }
  // All sequences' positions, each once for all that share it.
  int64_t positions() const { return positions_; }

  // `owners` share all that they have; they get `count` more positions.
  void Append(std::span<const SequenceId> owners, int32_t count);
  // `to` must be empty.
  void Fork(SequenceId from, SequenceId to);
  // Forgets positions [length, end) of a sequence.
  void Truncate(SequenceId sequence, Position length);
  // Restoring: an empty sequence gets `length` positions, of which it shares
  // shared[i] with sequence others[i].
  void Restore(SequenceId sequence, Position length,
               std::span<const SequenceId> others,
               std::span<const Position> shared);

 private:
  explicit Lineage(int max_sequences) : length_(max_sequences, 0) {}

  Position* SharedRow(SequenceId sequence) const;
  // The most positions that the sequence shares with any other.
  Position SharedWithAny(SequenceId sequence) const;

  std::vector<Position> length_;  // [sequences]
  MappedRegion shared_;           // Position [sequences][sequences]
  int64_t positions_ = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_LINEAGE_H_
