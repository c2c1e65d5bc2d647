// Copies the tensors of one file to another, whose metadata differ.
#ifndef BRAID_SRC_GGUF_COPY_H_
#define BRAID_SRC_GGUF_COPY_H_

#include <functional>
#include <string>

#include "braid/result.h"
#include "gguf/file.h"
#include "gguf/writer.h"

namespace braid::gguf {

// Writes a file at `path` that holds `contents`; its tensors are some of
// `file`, from which their bytes are copied, in pieces. `cancelled` and errors:
// the Writer's.
Status WriteCopy(const File& file, const Contents& contents,
                 const std::string& path,
                 const std::function<bool()>& cancelled = {});

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_COPY_H_
