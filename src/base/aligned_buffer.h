// AlignedBuffer: owned memory on a 64-byte boundary (a cache line, and one
// AVX-512 vector). Large buffers ask the kernel for huge pages: matrix
// products walk hundreds of megabytes, and 4 KB pages cost TLB misses.
#ifndef BRAID_SRC_BASE_ALIGNED_BUFFER_H_
#define BRAID_SRC_BASE_ALIGNED_BUFFER_H_

#include <cstddef>
#include <utility>

namespace braid {

inline constexpr size_t kAlignment = 64;

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // `size` bytes, zeroed. Throws OutOfMemory (base/guarded.h).
  explicit AlignedBuffer(size_t size);
  ~AlignedBuffer();
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t size() const { return size_; }

  template <class T>
  T* as() {
    return reinterpret_cast<T*>(data_);
  }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_ALIGNED_BUFFER_H_
