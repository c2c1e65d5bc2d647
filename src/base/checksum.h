// Checksum: XXH3 with 64 bits, as fast as memory, of bytes that come in pieces.
// Finds accidents; it is no proof against anybody who means harm.
//
// Source: the xxHash specification, XXH3 algorithm. Not thread-safe.
#ifndef BRAID_SRC_BASE_CHECKSUM_H_
#define BRAID_SRC_BASE_CHECKSUM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace braid {

class Checksum {
 public:
  Checksum();
  Checksum(Checksum&&) noexcept;
  Checksum& operator=(Checksum&&) noexcept;
  ~Checksum();

  void Add(std::span<const std::byte> bytes);
  // Of all that was added since the beginning or the last Reset.
  uint64_t Value() const;
  void Reset();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

uint64_t ChecksumOf(std::span<const std::byte> bytes);

}  // namespace braid

#endif  // BRAID_SRC_BASE_CHECKSUM_H_
