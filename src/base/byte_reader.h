// ByteReader: a checked little-endian cursor over bytes from outside.
//
// Every read compares what it needs with what is left before it touches
// anything; a failed read moves nothing. Counts are 64-bit because they come
// from files.
#ifndef BRAID_SRC_BASE_BYTE_READER_H_
#define BRAID_SRC_BASE_BYTE_READER_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "base/format.h"
#include "braid/result.h"

namespace braid {

class ByteReader {
 public:
  // `bytes` must outlive the reader and whatever it hands out.
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t left() const { return bytes_.size() - position_; }

  // The next number; any alignment. Error: too few bytes are left.
  template <class T>
  requires(std::is_arithmetic_v<T> &&
           !std::is_same_v<T, bool>) Result<T> Read() {
    static_assert(std::endian::native == std::endian::little);
    if (left() < sizeof(T)) return TooShort(sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof(T));
    position_ += sizeof(T);
    return value;
  }

  // The next `count` bytes, not copied. Error: fewer are left.
  Result<std::span<const std::byte>> ReadBytes(uint64_t count) {
    if (left() < count) return TooShort(count);
    const auto taken = bytes_.subspan(position_, static_cast<size_t>(count));
    position_ += taken.size();
    return taken;
  }

 private:
  Error TooShort(uint64_t needed) const {
    return Error{Format("{} bytes needed at byte {}, {} left", needed,
                        position_, left())};
  }

  std::span<const std::byte> bytes_;
  size_t position_ = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_BYTE_READER_H_
