// Arena: scratch memory of one forward pass. Allocation is a pointer bump;
// Reset() takes everything back at once. After the first pass of a given size
// the arena allocates nothing any more.
//
// Not thread-safe: the thread that runs the pass allocates, workers only use.
#ifndef BRAID_SRC_BASE_ARENA_H_
#define BRAID_SRC_BASE_ARENA_H_

#include <cstddef>
#include <type_traits>
#include <vector>

#include "base/aligned_buffer.h"

namespace braid {

class Arena {
 public:
  // `count` elements on a 64-byte boundary, not initialised, valid until
  // Reset() or the release of an enclosing ArenaScope. Throws OutOfMemory.
  template <class T>
  T* Allocate(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return reinterpret_cast<T*>(AllocateBytes(count * sizeof(T)));
  }

  // Frees all allocations; keeps (and merges) the memory for reuse. Throws when
  // there is no memory for the merged block, and has none then.
  void Reset();

  // Bytes that the arena holds, used or not.
  size_t capacity() const;

 private:
  friend class ArenaScope;
  struct Mark {
    size_t block;
    size_t used;
  };

  std::byte* AllocateBytes(size_t size);

  std::vector<AlignedBuffer> blocks_;
  size_t block_ = 0;  // the block that is being filled
  size_t used_ = 0;   // bytes used of it
};

// Gives back at the end of a scope what was allocated inside it, so that the
// layers of a model reuse the same cache-warm scratch.
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena)
      : arena_(arena), mark_{arena.block_, arena.used_} {}
  ~ArenaScope() {
    arena_.block_ = mark_.block;
    arena_.used_ = mark_.used;
  }
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

}  // namespace braid

#endif  // BRAID_SRC_BASE_ARENA_H_
