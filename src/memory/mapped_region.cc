#include "memory/mapped_region.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "base/format.h"

namespace braid {

Result<MappedRegion> MappedRegion::Create(size_t size, Pages pages) {
  if (size == 0) return MappedRegion();
  void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    return Error{Format("cannot reserve {} bytes of address space: {}", size,
                        std::strerror(errno))};
  }
  // A hint; states and pages are walked in long strides, and 4 KB pages cost
  // TLB misses.
  if (pages == Pages::kHuge) (void)madvise(data, size, MADV_HUGEPAGE);
  return MappedRegion(static_cast<std::byte*>(data), size);
}

MappedRegion::~MappedRegion() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace braid
