// Save: sequences of an engine, with all that they share and carry, into an
// archive.
#ifndef BRAID_SRC_ENGINE_SAVE_H_
#define BRAID_SRC_ENGINE_SAVE_H_

#include <span>
#include <vector>

#include "archive/writer.h"
#include "braid/engine.h"
#include "braid/result.h"
#include "engine/carried.h"
#include "engine/fingerprint.h"
#include "engine/saved_state.h"
#include "memory/hybrid_memory.h"

namespace braid {

// What save and restore see of an engine. `carried`: [sequences].
struct EngineState {
  const EngineOptions& options;
  HybridMemory& memory;
  std::span<const Carried> carried;
};

// The sequences that an archive of `asked` has: those, ascending, or all that
// hold anything if it is empty. Error: one that is not there, or is asked for
// twice.
Result<std::vector<SequenceId>> SequencesToSave(
    const EngineState& engine, std::span<const SequenceId> asked);

// Writes the sections; the caller finishes the writer, which has the errors.
// Changes nothing of the engine.
void SaveState(const EngineState& engine, Fingerprint fingerprint,
               std::span<const SequenceId> sequences, archive::Writer& writer);

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_SAVE_H_
