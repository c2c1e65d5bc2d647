// FreeSlots: which of n numbered slots are free. The lowest ones are handed
// out first, so that what is in use stays dense and memory that was touched
// once is used again.
//
// The state is a set and nothing else: giving back what was taken restores it
// exactly, in whatever order. Not thread-safe.
#ifndef BRAID_SRC_MEMORY_FREE_SLOTS_H_
#define BRAID_SRC_MEMORY_FREE_SLOTS_H_

#include <cstdint>
#include <vector>

namespace braid {

class FreeSlots {
 public:
  // All of [0, count) are free.
  explicit FreeSlots(int32_t count);

  int32_t count() const { return count_; }
  int32_t free() const { return free_; }
  // Slots from here on were never taken.
  int32_t touched() const { return touched_; }
  bool IsFree(int32_t slot) const {
    return (words_[slot / 64] >> (slot % 64) & 1) != 0;
  }

  // The lowest free slot; one must be free.
  int32_t First();
  // Takes it.
  int32_t Take();
  // Takes the lowest `length` >= 1 slots that are free and consecutive and
  // returns the first, or -1 and takes nothing when there are none. O(count).
  int32_t TakeRange(int32_t length);
  // Takes this slot, which must be free.
  void Claim(int32_t slot);
  // `slot` must be taken.
  void Give(int32_t slot);

 private:
  void Mark(int32_t slot);

  std::vector<uint64_t> words_;  // bit set: free
  int32_t count_;
  int32_t free_;
  int32_t touched_ = 0;
  int32_t lowest_word_ = 0;  // no word below has a free slot
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_FREE_SLOTS_H_
