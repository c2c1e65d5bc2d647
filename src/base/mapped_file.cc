#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "base/format.h"

namespace braid {

namespace {

Error SystemError(const std::string& path, const char* action, int code) {
  return Error{Format("{}: cannot {}: {}", path, action,
                      std::generic_category().message(code))};
}

// Closes a file descriptor at the end of a scope; the mapping outlives it.
struct Closer {
  ~Closer() { close(descriptor); }
  int descriptor;
};

}  // namespace

Result<MappedFile> MappedFile::Open(const std::string& path) {
  // O_NONBLOCK: a named pipe must be refused below, not waited for here.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return SystemError(path, "open", errno);
  const Closer closer{descriptor};

  struct stat status;
  if (fstat(descriptor, &status) != 0) {
    return SystemError(path, "read its size", errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return Error{Format("{}: not a regular file", path)};
  }
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return MappedFile();

  void* const memory =
      mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) return SystemError(path, "map", errno);
  return MappedFile({static_cast<const std::byte*>(memory), size});
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
}

void MappedFile::Release(std::span<const std::byte> range) const {
  static const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<uintptr_t>(range.data());
  const uintptr_t begin = (address + page - 1) / page * page;
  const uintptr_t end = (address + range.size()) / page * page;
  if (begin < end) {
    (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
}

}  // namespace braid
