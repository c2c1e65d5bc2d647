// Guarded: where exceptions end and errors begin.
//
// Inside the library memory that is not there is std::bad_alloc, and a thread
// or a piece of a file that cannot be had is std::system_error: thousands of
// places can fail in these ways, and none of them can do anything about it. The
// public functions can: each runs its work through Guarded, and its caller gets
// a value. What the work has begun it undoes while the exception passes.
#ifndef BRAID_SRC_BASE_GUARDED_H_
#define BRAID_SRC_BASE_GUARDED_H_

#include <cstddef>
#include <new>

#include "braid/result.h"

namespace braid {

// std::bad_alloc that knows how much was asked for.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(size_t bytes) : bytes_(bytes) {}
  const char* what() const noexcept override { return "out of memory"; }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_;
};

// Of the exception that is being handled: "out of memory: 4096 bytes more were
// needed while decoding". Cannot fail: without the memory for a sentence it is
// two words.
Error ErrorOfException(const char* doing) noexcept;

// What `body` returns, or the error of what it throws. `doing` says what was
// being done: "decoding".
template <class Body>
auto Guarded(const char* doing, const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    return ErrorOfException(doing);
  }
}

}  // namespace braid

#endif  // BRAID_SRC_BASE_GUARDED_H_
