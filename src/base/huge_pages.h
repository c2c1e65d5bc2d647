// Huge pages: how much memory is behind an allocation that asked for them.
#ifndef BRAID_SRC_BASE_HUGE_PAGES_H_
#define BRAID_SRC_BASE_HUGE_PAGES_H_

#include <cstddef>

#include "base/aligned_buffer.h"

namespace braid {

inline constexpr size_t kHugePage = size_t{2} << 20;

// What an AlignedBuffer of `size` bytes takes: large ones consist of huge
// pages.
inline size_t BytesOfBuffer(size_t size) {
  const size_t unit = size >= 2 * kHugePage ? kHugePage : kAlignment;
  return (size + unit - 1) / unit * unit;
}

// Does the system give huge pages to those that ask for them?
bool HugePagesAreGiven();

}  // namespace braid

#endif  // BRAID_SRC_BASE_HUGE_PAGES_H_
