#include "tokenizer/merge_table.h"

#include <bit>
#include <string>

#include "base/check.h"
#include "base/format.h"

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

Result<MergeTable> MakeMergeTable(std::span<const std::string_view> merges,
                                  const Vocabulary& vocabulary) {
  if (merges.size() >= kNoMerge) {
    return Error{Format("tokenizer.ggml.merges: {} merges, at most {}",
                        merges.size(), kNoMerge - 1)};
  }
  MergeTable table(merges.size());
  std::string merged;
  for (uint32_t rank = 0; rank < merges.size(); ++rank) {
    const std::string_view merge = merges[rank];
    // Not at 0: the left part may itself begin with a space.
    const size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size()) {
      return Error{
          Format("tokenizer.ggml.merges[{}]: \"{}\" is not two texts "
                 "with a space between",
                 rank, Excerpt(merge))};
    }
    const std::string_view left = merge.substr(0, space);
    const std::string_view right = merge.substr(space + 1);
    merged.assign(left).append(right);
    const TokenId left_token = vocabulary.Find(left);
    const TokenId right_token = vocabulary.Find(right);
    const TokenId token = vocabulary.Find(merged);
    if (left_token != kNoToken && right_token != kNoToken &&
        token != kNoToken) {
      table.Add(left_token, right_token, {rank, token});
    }
  }
  return table;
}

}  // namespace braid
