// MappedFile: a whole file as read-only memory, shared with the page cache.
//
// Opening costs no read, whatever the size. A file that another process
// shortens while it is mapped is out of scope: touching the lost pages ends
// the process (SIGBUS), as for every program that maps files.
//
// Immutable after opening; every method may be called from any thread.
#ifndef BRAID_SRC_BASE_MAPPED_FILE_H_
#define BRAID_SRC_BASE_MAPPED_FILE_H_

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "braid/result.h"

namespace braid {

class MappedFile {
 public:
  // Maps the regular file at `path`; an empty file gives empty bytes. Errors
  // name the path and the system's reason.
  static Result<MappedFile> Open(const std::string& path);

  MappedFile() = default;
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept
      : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  std::span<const std::byte> bytes() const { return bytes_; }

  // Tells the kernel that the pages wholly inside `range`, a part of bytes(),
  // will not be needed soon. They leave this process; what the page cache
  // keeps is the kernel's choice. A hint: later reads give the same bytes.
  void Release(std::span<const std::byte> range) const;

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> bytes_;
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_MAPPED_FILE_H_
