// Counts heap allocations, to prove that a steady state has none.
//
// Include it in exactly one source file of a test program: it replaces the
// global operator new. Sanitizers still see every allocation, through malloc.
#ifndef BRAID_TESTS_SUPPORT_ALLOCATION_COUNTER_H_
#define BRAID_TESTS_SUPPORT_ALLOCATION_COUNTER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace braid {

inline std::atomic<int64_t> allocation_count{0};

// Allocations of the whole program since it began.
inline int64_t AllocationCount() { return allocation_count; }

}  // namespace braid

// Not inlined: g++ would see malloc where it expects operator new, and warn.
[[gnu::noinline]] void* operator new(size_t size) {
  ++braid::allocation_count;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new[](size_t size) {
  return operator new(size);
}
[[gnu::noinline]] void* operator new(size_t size,
                                     const std::nothrow_t&) noexcept {
  ++braid::allocation_count;
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void* operator new(size_t size, std::align_val_t alignment) {
  ++braid::allocation_count;
  const size_t unit = static_cast<size_t>(alignment);
  const size_t rounded = (size + unit - 1) / unit * unit;
  if (void* memory = std::aligned_alloc(unit, rounded)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete[](void* memory, size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory,
                                       std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t,
                                       std::align_val_t) noexcept {
  std::free(memory);
}

#endif  // BRAID_TESTS_SUPPORT_ALLOCATION_COUNTER_H_
