#include "memory/free_slots.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace braid {

FreeSlots::FreeSlots(int32_t count)
    : words_((static_cast<size_t>(count) + 63) / 64, ~uint64_t{0}),
      count_(count),
      free_(count) {
  if (count % 64 != 0) words_.back() = (uint64_t{1} << (count % 64)) - 1;
}

int32_t FreeSlots::First() {
  BRAID_CHECK(free_ > 0);
  while (words_[lowest_word_] == 0) ++lowest_word_;
  return lowest_word_ * 64 + std::countr_zero(words_[lowest_word_]);
}

int32_t FreeSlots::Take() {
  const int32_t slot = First();
  Mark(slot);
  return slot;
}

int32_t FreeSlots::TakeRange(int32_t length) {
  int32_t found = 0;
  for (int32_t slot = lowest_word_ * 64; slot < count_; ++slot) {
    found = IsFree(slot) ? found + 1 : 0;
    if (found < length) continue;
    const int32_t first = slot - length + 1;
    for (int32_t i = first; i <= slot; ++i) Mark(i);
    return first;
  }
  return -1;
}

void FreeSlots::Claim(int32_t slot) {
  BRAID_CHECK(slot >= 0 && slot < count_ && IsFree(slot));
  Mark(slot);
}

void FreeSlots::Give(int32_t slot) {
  BRAID_CHECK(slot >= 0 && slot < count_ && !IsFree(slot));
  words_[slot / 64] |= uint64_t{1} << (slot % 64);
  ++free_;
  lowest_word_ = std::min(lowest_word_, slot / 64);
}

void FreeSlots::Mark(int32_t slot) {
  words_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
  --free_;
  touched_ = std::max(touched_, slot + 1);
}

}  // namespace braid
