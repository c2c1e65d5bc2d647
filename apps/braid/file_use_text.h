// What `braid gguf check -m` prints of a file's keys and tensors.
#ifndef BRAID_APPS_BRAID_FILE_USE_TEXT_H_
#define BRAID_APPS_BRAID_FILE_USE_TEXT_H_

#include <string>

#include "models/file_use.h"

namespace braid::cli {

// How many keys and tensors the loader reads; then a line for each that is left
// over, and one for each reason to ignore some. Lines are ended by a line
// break, and no byte of the file can act on a terminal.
std::string FileUseText(const FileUse& use);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_FILE_USE_TEXT_H_
