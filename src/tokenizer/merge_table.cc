#include "tokenizer/merge_table.h"

#include <bit>

#include "base/check.h"

namespace braid {

MergeTable::MergeTable(size_t merges)
    : slots_(std::bit_ceil(2 * merges + 1), Slot{kEmpty, Merge()}),
      // Unknown to the author of a file, as in TextTable.
      seed_(MixBits(reinterpret_cast<uintptr_t>(slots_.data()))) {}

void MergeTable::Add(TokenId left, TokenId right, Merge merge) {
  BRAID_CHECK(left >= 0 && right >= 0);
  const uint64_t pair = Pair(left, right);
  size_t at = First(pair);
  while (slots_[at].pair != kEmpty) {
    if (slots_[at].pair == pair) return;
    at = (at + 1) & (slots_.size() - 1);
  }
  slots_[at] = {pair, merge};
}

}  // namespace braid
