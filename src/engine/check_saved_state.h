// Is what an archive says of itself possible, for this model?
#ifndef BRAID_SRC_ENGINE_CHECK_SAVED_STATE_H_
#define BRAID_SRC_ENGINE_CHECK_SAVED_STATE_H_

#include <cstddef>

#include "braid/result.h"
#include "engine/saved_state.h"
#include "memory/spec.h"
#include "models/language_model.h"

namespace braid {

// Bytes of the archive's sections.
struct SectionSizes {
  size_t cells = 0;
  size_t pages = 0;
  size_t texts = 0;
};

// What the archive is checked against.
struct SavedStateBounds {
  const MemorySpec& spec;
  RowTraits traits;
  int vocabulary_size = 0;
  int width = 0;
};

// Every number of `state` is in its range, every length fits the model's
// memory, what is shared agrees, and the sections have the bytes that all this
// asks for; the fingerprint is known to be the same. Time and memory are
// proportional to the archive. Errors name the sequence, the thing, and both
// values.
Status CheckSavedState(const SavedState& state, const SectionSizes& sizes,
                       const SavedStateBounds& bounds);

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_CHECK_SAVED_STATE_H_
