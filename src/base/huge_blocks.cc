#include "base/huge_blocks.h"

#include <sys/mman.h>

#include <algorithm>

#include "base/aligned_buffer.h"
#include "base/huge_pages.h"

namespace braid {

namespace {

constexpr size_t RoundedUp(size_t size, size_t unit) {
  return (size + unit - 1) / unit * unit;
}

size_t PageBytes() {
  static const size_t bytes = HugePagesAreGiven() ? kHugePage : 4096;
  return bytes;
}

std::shared_ptr<std::byte> FromHeap(size_t size) {
  auto buffer = std::make_shared<AlignedBuffer>(size);
  std::byte* data = buffer->data();
  return {std::move(buffer), data};
}

// `size` is a multiple of kHugePage. nullptr: the system grants no such space.
std::shared_ptr<std::byte> MapBlock(size_t size) {
  // One page more: the kernel aligns to small ones.
  const size_t mapped = size + kHugePage;
  void* const data = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) return nullptr;
  const std::shared_ptr<void> region(
      data, [mapped](void* start) { munmap(start, mapped); });
  void* aligned = data;
  size_t room = mapped;
  std::align(kHugePage, size, aligned, room);
  // A hint; without it everything works, a little slower.
  (void)madvise(aligned, size, MADV_HUGEPAGE);
  return {region, static_cast<std::byte*>(aligned)};
}

}  // namespace

std::shared_ptr<std::byte> HugeBlocks::Take(size_t size) {
  if (size < kLeastPart) return FromHeap(size);
  const size_t part = RoundedUp(size, kAlignment);
  if (block_ == nullptr || part > block_bytes_ - used_) {
    block_bytes_ = RoundedUp(std::max(part, kBlockBytes), kHugePage);
    block_ = MapBlock(block_bytes_);
    used_ = 0;
    if (block_ == nullptr) return FromHeap(size);
  }
  std::byte* const data = block_.get() + used_;
  used_ += part;
  return {block_, data};
}

void HugeBlocks::Count::Take(size_t size) {
  if (size < kLeastPart) {
    heap_ += RoundedUp(size, kAlignment);
    return;
  }
  const size_t part = RoundedUp(size, kAlignment);
  if (used_ > 0 && part > std::max(kBlockBytes, used_) - used_) {
    full_ += RoundedUp(used_, PageBytes());
    used_ = 0;
  }
  used_ += part;
}

size_t HugeBlocks::Count::bytes() const {
  return heap_ + full_ + RoundedUp(used_, PageBytes());
}

}  // namespace braid
