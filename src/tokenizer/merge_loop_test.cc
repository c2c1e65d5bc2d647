#include "tokenizer/merge_loop.h"

#include <gtest/gtest.h>

#include <string>

#include "base/random.h"
#include "tokenizer/merge_table.h"

namespace braid {
namespace {

std::vector<Symbol> RandomSymbols(Random& random, int most, int tokens) {
  std::vector<Symbol> symbols;
  const uint32_t size = static_cast<uint32_t>(random.Below(most));
  for (uint32_t i = 0; i < size; ++i) {
    symbols.push_back({i, 1, random.Below(tokens)});
  }
  return symbols;
}

// The definition: look at all pairs, merge the best, again.
template <class Find>
void MergeNaively(std::vector<Symbol>& symbols, const Find& find) {
  while (symbols.size() > 1) {
    Merge best;
    size_t where = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const Merge merge = find(symbols[i], symbols[i + 1]);
      if (merge.rank < best.rank) {
        best = merge;
        where = i;
      }
    }
    if (best.rank == kNoMerge) return;
    symbols[where].length += symbols[where + 1].length;
    symbols[where].token = best.token;
    symbols.erase(symbols.begin() + static_cast<long>(where) + 1);
  }
}

std::string Show(const std::vector<Symbol>& symbols) {
  std::string shown;
  for (const Symbol& symbol : symbols) {
    shown += std::to_string(symbol.begin) + "+" +
             std::to_string(symbol.length) + "=" +
             std::to_string(symbol.token) + " ";
  }
  return shown;
}

TEST(MergeLoopTest, AgreesWithTheDefinition) {
  Random random(5);
  MergeLoop loop;
  for (int round = 0; round < 3000; ++round) {
    // Few ranks: many ties. Few tokens: many chains.
    constexpr int kTokens = 6;
    const uint64_t seed = random.Bits();
    const auto find = [seed](const Symbol& left, const Symbol& right) {
      const uint64_t bits = RandomBits(seed, static_cast<uint64_t>(left.token),
                                       static_cast<uint64_t>(right.token));
      if (bits % 3 == 0) return Merge();
      return Merge{static_cast<uint32_t>(bits >> 8) % 10,
                   static_cast<TokenId>((bits >> 40) % kTokens)};
    };
    // Both sides of the switch from short to long pieces.
    std::vector<Symbol> expected =
        RandomSymbols(random, round % 2 == 0 ? 40 : 300, kTokens);
    loop.symbols() = expected;
    MergeNaively(expected, find);
    loop.Run(find);
    ASSERT_EQ(Show(loop.symbols()), Show(expected));
  }
}

TEST(MergeTableTest, FindsWhatWasAddedFirst) {
  MergeTable merges(3);
  merges.Add(1, 2, {10, 100});
  merges.Add(2, 1, {11, 101});
  merges.Add(1, 2, {12, 102});
  EXPECT_EQ(merges.Find(1, 2).token, 100);
  EXPECT_EQ(merges.Find(2, 1).rank, 11u);
  EXPECT_EQ(merges.Find(2, 2).rank, kNoMerge);
  EXPECT_EQ(merges.Find(kNoToken, kNoToken).rank, kNoMerge);
  EXPECT_EQ(MergeTable().Find(0, 0).rank, kNoMerge);
}

}  // namespace
}  // namespace braid
