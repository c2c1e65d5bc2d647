// The set-up that the tests of StateCells share.
#ifndef BRAID_SRC_MEMORY_STATE_CELLS_FOR_TEST_H_
#define BRAID_SRC_MEMORY_STATE_CELLS_FOR_TEST_H_

#include <cstddef>
#include <cstdint>

#include "memory/state_cells.h"

namespace braid {

using Checkpoint = StateCells::Checkpoint;

inline constexpr int kSequences = 5;

// Two recurrent layers around one that is not: window and state, state only.
inline MemorySpec Spec() {
  MemorySpec spec;
  spec.layers.resize(3);
  spec.layers[0].conv_floats = 5;
  spec.layers[0].state_floats = 17;
  spec.layers[2].state_floats = 3;
  return spec;
}

inline constexpr size_t kCellBytes = 64 + 128 + 64;

inline MemoryLimits Limits(int rollback, int every, int64_t budget_cells) {
  MemoryLimits limits;
  limits.max_sequences = kSequences;
  limits.rollback = rollback;
  limits.checkpoint_every = every;
  limits.checkpoint_bytes = static_cast<size_t>(budget_cells) * kCellBytes;
  return limits;
}

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_STATE_CELLS_FOR_TEST_H_
