// PassUndo: what a forward pass overwrites, kept until the pass has succeeded.
//
// In the steady state a recurrent layer writes the new state over the old one.
// A pass that fails in the middle, because memory for its activations is not
// there, would leave a state that is half old and half new. So a pass that may
// need more memory than any before it is preceded by a copy of what it writes.
// A pass that is no larger (PassSize) finds its memory in the arena, needs no
// copy, and costs nothing.
//
// Not thread-safe.
#ifndef BRAID_SRC_ENGINE_PASS_UNDO_H_
#define BRAID_SRC_ENGINE_PASS_UNDO_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/arena.h"
#include "batch/ubatch.h"
#include "engine/carried.h"
#include "memory/hybrid_memory.h"

namespace braid {

// What decides how much of the arena a pass takes: the larger these are, the
// more, or the same. What the rows' positions, runs and cells are plays no part
// (nn/pass.cc, kernels/cpu/attention.cc); rows that want logits or their hidden
// row take less than a layer takes of as many.
struct PassSize {
  int32_t rows = 0;
  int32_t scored = 0;  // rows whose target is scored: logits in the arena

  bool Covers(const PassSize& other) const {
    return rows >= other.rows && scored >= other.scored;
  }
};

inline PassSize SizeOf(const UBatch& ubatch) {
  return {.rows = ubatch.rows(),
          .scored = static_cast<int32_t>(ubatch.scored_rows.size())};
}

// Sizes of passes that have succeeded with the arena as it is.
class KnownSizes {
 public:
  bool Covers(const PassSize& size, const Arena& arena) const;
  void Add(const PassSize& size, const Arena& arena);
  // The same sizes may need more from now on.
  void Clear() { *this = {}; }

 private:
  // Without scores, and with them.
  PassSize plain_;
  PassSize scored_;
  size_t capacity_ = 0;  // of the arena, when the last was added
};

class PassUndo {
 public:
  // Copies what a pass over these runs will write: the states that it
  // overwrites in place, and what the runs' sequences carry.
  PassUndo(HybridMemory& memory, std::span<Carried> carried,
           const UBatch& ubatch, std::span<const Run> runs);
  // Makes all of it as it was. Cannot fail; call at most once.
  void PutBack();

 private:
  struct Cell {
    std::span<std::byte> state;
    std::unique_ptr<std::byte[]> copy;
  };
  struct Sequence {
    Carried* carried = nullptr;
    size_t tokens = 0;
    std::vector<float> last_row;
    bool pooled = false;
    PooledRows rows;
    std::vector<Carried::Mark> marks;
  };

  std::vector<Cell> cells_;
  std::vector<Sequence> sequences_;
};

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_PASS_UNDO_H_
