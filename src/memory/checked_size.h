// Sizes that come from model files and flags, multiplied and added without
// wrapping.
#ifndef BRAID_SRC_MEMORY_CHECKED_SIZE_H_
#define BRAID_SRC_MEMORY_CHECKED_SIZE_H_

#include <cstddef>
#include <optional>

namespace braid {

// A size, or nothing once any step has overflowed.
class CheckedSize {
 public:
  CheckedSize(size_t value) : value_(value) {}

  CheckedSize operator*(size_t factor) const {
    size_t product;
    if (!value_ || __builtin_mul_overflow(*value_, factor, &product)) {
      return CheckedSize();
    }
    return CheckedSize(product);
  }
  CheckedSize operator+(CheckedSize other) const {
    size_t sum;
    if (!value_ || !other.value_ ||
        __builtin_add_overflow(*value_, *other.value_, &sum)) {
      return CheckedSize();
    }
    return CheckedSize(sum);
  }
  // Up to the next multiple of `unit`, a power of two.
  CheckedSize RoundedUp(size_t unit) const {
    CheckedSize sum = *this + CheckedSize(unit - 1);
    if (sum.value_) *sum.value_ &= ~(unit - 1);
    return sum;
  }

  std::optional<size_t> value() const { return value_; }

 private:
  CheckedSize() = default;

  std::optional<size_t> value_;
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_CHECKED_SIZE_H_
