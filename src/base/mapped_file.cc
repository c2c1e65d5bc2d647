#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "base/format.h"

namespace braid {

namespace {

Error SystemError(const std::string& path, const char* action, int code) {
  return Error{Format("{}: cannot {}: {}", path, action,
                      std::generic_category().message(code))};
}

// Closes a file descriptor at the end of a scope, unless it was taken.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }
  int Take() { return std::exchange(number_, -1); }

 private:
  int number_;
};

}  // namespace

Result<MappedFile> MappedFile::Open(const std::string& path) {
  // O_NONBLOCK: a named pipe must be refused below, not waited for here.
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0) return SystemError(path, "open", errno);

  struct stat status;
  if (fstat(file.number(), &status) != 0) {
    return SystemError(path, "read its size", errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return Error{Format("{}: not a regular file", path)};
  }
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return MappedFile();

  void* const memory =
      mmap(nullptr, size, PROT_READ, MAP_SHARED, file.number(), 0);
  if (memory == MAP_FAILED) return SystemError(path, "map", errno);
  return MappedFile({static_cast<const std::byte*>(memory), size}, file.Take());
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) {
    munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
    close(descriptor_);
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

bool MappedFile::Read(std::span<const std::byte> range, std::byte* to) const {
  size_t done = 0;
  while (done < range.size()) {
    const auto offset = range.data() + done - bytes_.data();
    const ssize_t got =
        pread(descriptor_, to + done, range.size() - done, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<size_t>(got);
  }
  return true;
}

}  // namespace braid
