// What `braid gguf show` and `braid gguf check` print.
#ifndef BRAID_SRC_GGUF_DESCRIBE_H_
#define BRAID_SRC_GGUF_DESCRIBE_H_

#include <string>

#include "braid/result.h"
#include "gguf/file.h"

namespace braid::gguf {

// Metadata (long strings and arrays cut), a table of the tensors, the bytes
// and elements of each type. Several lines, each ended by a line break; no
// byte of the file can act on a terminal. Touches no tensor data.
std::string Show(const File& file);

// Opens the file, which validates it, then reads every tensor and looks for
// NaN and infinity (see gguf/finite.h). Gives one line that says what was
// checked. Errors: those of File::Open; a tensor that is not finite, with its
// name, the element and how many there are.
Result<std::string> Check(const std::string& path);

// The second half of Check(), for a file that is open.
Result<std::string> CheckTensors(const File& file);

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_DESCRIBE_H_
