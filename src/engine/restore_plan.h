// RestorePlan: what of an archive goes where in an engine's memory, decided
// before anything is changed.
#ifndef BRAID_SRC_ENGINE_RESTORE_PLAN_H_
#define BRAID_SRC_ENGINE_RESTORE_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "braid/engine.h"
#include "braid/result.h"
#include "engine/saved_state.h"
#include "memory/hybrid_memory.h"
#include "memory/restored_memory.h"

namespace braid {

struct RestorePlan {
  RestoredMemory memory;
  std::vector<int32_t> sequences;  // [of `memory`] the archive's
  std::vector<int32_t> cells;      // [of `memory`] the archive's
  std::vector<int32_t> texts;      // [of `memory`] the archive's
  std::vector<SequenceId> kept;    // of the engine, ascending: those that stay
};

// Chooses sequences as RestoreOptions says, and lays out what they need in
// pages of the memory's size, shared as the archive shares them. What the
// memory does not keep (its windows, its log, its checkpoints) is left out.
// `state` has passed CheckSavedState. Errors: an id that is not there, or is
// named twice.
Result<RestorePlan> PlanRestore(const SavedState& state,
                                const HybridMemory& memory,
                                const RestoreOptions& options);

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_RESTORE_PLAN_H_
