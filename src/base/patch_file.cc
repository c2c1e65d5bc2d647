#include "base/patch_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/format.h"

namespace braid {

namespace {

Error SystemError(const std::string& path, const char* action) {
  return Error{Format("{}: cannot {}: {}", path, action,
                      std::generic_category().message(errno))};
}

Status WriteAt(const std::string& path, int descriptor, uint64_t begin,
               std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(descriptor, bytes.data(), bytes.size(),
                                   static_cast<off_t>(begin));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError(path, "write");
    begin += static_cast<uint64_t>(written);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  if (fsync(descriptor) != 0) return SystemError(path, "sync");
  return {};
}

}  // namespace

Status PatchFile(const std::string& path, uint64_t begin,
                 std::span<const std::byte> bytes) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return SystemError(path, "open for writing");
  const Status written = WriteAt(path, descriptor, begin, bytes);
  const bool closed = close(descriptor) == 0;
  if (!written.ok()) return written;
  if (!closed) return SystemError(path, "close");
  return {};
}

}  // namespace braid
