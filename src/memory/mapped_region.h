// MappedRegion: address space whose bytes are zero and cost nothing until they
// are touched. It never moves, so pointers into it stay valid.
#ifndef BRAID_SRC_MEMORY_MAPPED_REGION_H_
#define BRAID_SRC_MEMORY_MAPPED_REGION_H_

#include <cstddef>
#include <utility>

#include "braid/result.h"

namespace braid {

class MappedRegion {
 public:
  // Huge pages where the system has them: for what is walked in long strides,
  // and dense. A byte that is touched alone then costs 2 MiB.
  enum class Pages { kHuge, kSmall };

  // Reserves `size` bytes, at least 64-byte aligned; 0 gives an empty region.
  // Error: the system refuses; it names the size and the reason.
  static Result<MappedRegion> Create(size_t size, Pages pages = Pages::kHuge);

  MappedRegion() = default;
  ~MappedRegion();
  MappedRegion(MappedRegion&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  MappedRegion& operator=(MappedRegion&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  MappedRegion(std::byte* data, size_t size) : data_(data), size_(size) {}

  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_MAPPED_REGION_H_
