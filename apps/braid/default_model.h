// The model that ships with braid and that commands use without -m.
#ifndef BRAID_APPS_BRAID_DEFAULT_MODEL_H_
#define BRAID_APPS_BRAID_DEFAULT_MODEL_H_

#include <span>
#include <string>

#include "braid/result.h"

namespace braid::cli {

// Looks beside the installed program, in the source tree that the program lies
// in, and in the source tree that it was built from. Error: there is none; it
// names the folders.
Result<std::string> FindDefaultModel();

// The one file of the first folder that has files whose names match the shell
// pattern. Errors: no folder has one; a folder has several.
Result<std::string> FindModel(std::span<const std::string> folders,
                              const std::string& pattern);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_DEFAULT_MODEL_H_
