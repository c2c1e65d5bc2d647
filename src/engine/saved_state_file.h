// SavedStateFile: a saved state as a file, to be looked at without its model.
#ifndef BRAID_SRC_ENGINE_SAVED_STATE_FILE_H_
#define BRAID_SRC_ENGINE_SAVED_STATE_FILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "braid/result.h"
#include "engine/fingerprint.h"
#include "engine/saved_state.h"

namespace braid {

struct SavedStateFile {
  struct Section {
    std::string name;
    size_t bytes = 0;
  };

  // Verifies the container and all its checksums, and reads what it says of
  // itself; whether that fits a model only restoring tells. Errors name the
  // path.
  static Result<SavedStateFile> Open(const std::string& path);

  size_t bytes = 0;
  std::vector<Section> sections;
  Fingerprint fingerprint;
  SavedState state;
};

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_SAVED_STATE_FILE_H_
