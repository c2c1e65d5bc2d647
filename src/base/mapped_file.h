// MappedFile: a whole file as read-only memory, shared with the page cache.
//
// Opening costs no read, whatever the size. Touching a page that the file has
// lost, because another process has shortened it since, ends this process
// (SIGBUS). So what lives long, or is as large as a model, is copied out with
// Read, which says that it failed; the mapping itself is for what is looked at
// once, right after opening, and for the tools of the command line, which say a
// sentence as they end (apps/braid/main.cc).
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
      : bytes_(std::exchange(other.bytes_, {})),
        descriptor_(std::exchange(other.descriptor_, -1)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  std::span<const std::byte> bytes() const { return bytes_; }

  // Tells the kernel that the pages wholly inside `range`, a part of bytes(),
  // will not be needed soon. They leave this process; what the page cache
  // keeps is the kernel's choice. A hint: later reads give the same bytes.
  void Release(std::span<const std::byte> range) const;

  // Copies `range`, a part of bytes(), to `to` without touching the mapping:
  // neither is a file that was cut short a danger, nor do neighbours of the
  // range come into this process, up to a megabyte by the kernel's choice.
  // False, with `to` undefined, if the file could not be read.
  [[nodiscard]] bool Read(std::span<const std::byte> range,
                          std::byte* to) const;

 private:
  MappedFile(std::span<const std::byte> bytes, int descriptor)
      : bytes_(bytes), descriptor_(descriptor) {}

  std::span<const std::byte> bytes_;
  int descriptor_ = -1;  // open as long as bytes_ are mapped
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_MAPPED_FILE_H_
