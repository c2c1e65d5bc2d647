// PlannedFile: a GGUF file that nobody has written yet, as its reader will see
// it. What loads files can so be asked about one before it costs a byte.
#ifndef BRAID_SRC_GGUF_PLANNED_FILE_H_
#define BRAID_SRC_GGUF_PLANNED_FILE_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "braid/result.h"
#include "gguf/file.h"
#include "gguf/writer.h"

namespace braid::gguf {

// Movable. Immutable after it is made.
class PlannedFile {
 public:
  // Takes address space for the whole file, and memory for its header. Errors:
  // those of EncodeHeader(), and that there is no such address space.
  static Result<PlannedFile> Make(const Contents& contents);

  // Keys, tensors and shapes are those of the contents. The bytes of tensors
  // must not be touched: there are none.
  const File& file() const { return file_; }

 private:
  using Region = std::unique_ptr<void, std::function<void(void*)>>;
  PlannedFile(Region region, File file)
      : region_(std::move(region)), file_(std::move(file)) {}

  Region region_;
  File file_;
};

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_PLANNED_FILE_H_
