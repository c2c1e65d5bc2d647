// OutputFile: a file that appears whole or not at all. Bytes go to a temporary
// name beside it; Commit() makes them durable and renames. A program that ends
// in between leaves the old file as it was.
//
// Not thread-safe.
#ifndef BRAID_SRC_BASE_OUTPUT_FILE_H_
#define BRAID_SRC_BASE_OUTPUT_FILE_H_

#include <cstddef>
#include <span>
#include <string>

#include "braid/result.h"

namespace braid {

class OutputFile {
 public:
  // Opens a temporary file beside `path`. `mode` is what open(2) takes: the
  // default is for everybody within the umask, 0600 is for private state.
  // Errors name the path and the system's reason; what is there and is no
  // regular file (a folder, /dev/null) is refused, as Commit() would replace
  // it.
  static Result<OutputFile> Create(const std::string& path,
                                   unsigned mode = 0666);

  // Without Commit() the temporary file is removed.
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&& other) noexcept;

  // Appends `bytes`. Error: the disk is full, ... After an error only the
  // destructor may follow.
  Status Write(std::span<const std::byte> bytes);

  // fsync, close, rename to the path, fsync of the folder. Call once, last.
  Status Commit();

 private:
  OutputFile(std::string path, std::string temporary_path, int descriptor);

  std::string path_;
  std::string temporary_path_;
  int descriptor_ = -1;  // -1: committed or moved from
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_OUTPUT_FILE_H_
