// Restore: sequences of an archive into an engine.
#ifndef BRAID_SRC_ENGINE_RESTORE_H_
#define BRAID_SRC_ENGINE_RESTORE_H_

#include <cstddef>
#include <span>

#include "braid/engine.h"
#include "braid/result.h"
#include "engine/fingerprint.h"
#include "engine/save.h"
#include "models/language_model.h"

namespace braid {

// Engine::RestoreFromMemory. All of the archive is checked, and room made for
// all that is to be written down, before anything of the engine is changed;
// then nothing can fail. `carried` is what the engine's sequences carry, to be
// replaced.
Result<Restored> RestoreState(const EngineState& engine,
                              std::span<Carried> carried,
                              const LanguageModel& model,
                              const Fingerprint& here,
                              std::span<const std::byte> archive,
                              const RestoreOptions& options);

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_RESTORE_H_
