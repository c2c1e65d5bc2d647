#include "tests/support/failing_resources.h"

#include <sys/types.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <system_error>

using braid::FailingResources;

// Not inlined: g++ would see malloc where it expects operator new, and warn.
[[gnu::noinline]] void* operator new(size_t size) {
  if (!FailingResources::Fails()) {
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  }
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new[](size_t size) {
  return operator new(size);
}
[[gnu::noinline]] void* operator new(size_t size,
                                     const std::nothrow_t&) noexcept {
  if (FailingResources::Fails()) return nullptr;
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void* operator new(size_t size, std::align_val_t alignment) {
  const size_t unit = static_cast<size_t>(alignment);
  const size_t rounded = (size + unit - 1) / unit * unit;
  if (!FailingResources::Fails()) {
    void* memory = nullptr;
    if (posix_memalign(&memory, unit, rounded) == 0) return memory;
  }
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

// The linker (--wrap) sends calls of X to __wrap_X, and __real_X is X.
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier)
void* __real_aligned_alloc(size_t alignment, size_t size);
void* __wrap_aligned_alloc(size_t alignment, size_t size) {
  return FailingResources::Fails() ? nullptr
                                   : __real_aligned_alloc(alignment, size);
}

void* __real_mmap(void* address, size_t length, int protection, int flags,
                  int file, off_t offset);
void* __wrap_mmap(void* address, size_t length, int protection, int flags,
                  int file, off_t offset) {
  if (!FailingResources::Fails()) {
    return __real_mmap(address, length, protection, flags, file, offset);
  }
  errno = ENOMEM;
  return reinterpret_cast<void*>(-1);  // MAP_FAILED
}

// std::thread::_M_start_thread, through which every std::thread starts; `state`
// is a std::unique_ptr that is passed by reference.
void __real__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(
    void* thread, void* state, void (*depend)());
void __wrap__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(
    void* thread, void* state, void (*depend)()) {
  if (FailingResources::Fails()) {
    throw std::system_error(
        std::make_error_code(std::errc::resource_unavailable_try_again));
  }
  __real__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(
      thread, state, depend);
}
// NOLINTEND(bugprone-reserved-identifier)
}
