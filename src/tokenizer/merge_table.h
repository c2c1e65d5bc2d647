// MergeTable: the merges of a byte-pair encoding, by the pair of tokens.
#ifndef BRAID_SRC_TOKENIZER_MERGE_TABLE_H_
#define BRAID_SRC_TOKENIZER_MERGE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "braid/result.h"
#include "braid/types.h"
#include "tokenizer/merge_loop.h"
#include "tokenizer/vocabulary.h"

namespace braid {

// Filled once; then every const method may be called from any thread.
class MergeTable {
 public:
  // Room for `merges` of them; more must not be added.
  explicit MergeTable(size_t merges = 0);

  // Of merges of the same pair the first added stays.
  void Add(TokenId left, TokenId right, Merge merge);

  // Expected time O(1).
  Merge Find(TokenId left, TokenId right) const {
    const uint64_t pair = Pair(left, right);
    for (size_t at = First(pair);; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.pair == pair) return slot.merge;
      if (slot.pair == kEmpty) return {};
    }
  }

 private:
  struct Slot {
    uint64_t pair;
    Merge merge;
  };
  // The pair (kNoToken, kNoToken), which is never added: no merge is found.
  static constexpr uint64_t kEmpty = ~uint64_t{0};

  static uint64_t Pair(TokenId left, TokenId right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 |
           static_cast<uint32_t>(right);
  }
  size_t First(uint64_t pair) const {
    return MixBits(pair ^ seed_) & (slots_.size() - 1);
  }

  std::vector<Slot> slots_;  // a power of two, at most half of them filled
  uint64_t seed_;
};

// The merges of a file, ranked by their place in the list. Errors: too many of
// them, or one that is not two texts with a space between; merges of or into
// texts that are no tokens are left out.
Result<MergeTable> MakeMergeTable(std::span<const std::string_view> merges,
                                  const Vocabulary& vocabulary);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_MERGE_TABLE_H_
