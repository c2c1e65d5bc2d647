#include "tokenizer/charsmap.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace braid {
namespace {

void AppendNode(uint32_t node, std::string& block) {
  for (int shift = 0; shift < 32; shift += 8) {
    block.push_back(static_cast<char>(node >> shift));
  }
}

std::string Block(const std::vector<uint32_t>& nodes,
                  std::string_view replacements) {
  std::string block;
  AppendNode(static_cast<uint32_t>(nodes.size() * 4), block);
  for (const uint32_t node : nodes) AppendNode(node, block);
  return block + std::string(replacements);
}

constexpr uint32_t kEnds = 0x100;
constexpr uint32_t kValue = 0x80000000;

// The key "a" with the replacement at `value`: the root's children begin at
// node 0, the children of "a" at 'a' ^ 2.
std::string BlockOfA(uint32_t value, std::string_view replacements) {
  std::vector<uint32_t> nodes(128, 0);
  nodes['a'] = 'a' | kEnds | 2 << 10;
  nodes['a' ^ 2] = kValue | value;
  return Block(nodes, replacements);
}

TEST(CharsMapTest, FindsKeys) {
  const auto map = CharsMap::Make(BlockOfA(2, std::string_view("x\0yes\0", 6)));
  ASSERT_TRUE(map.ok()) << map.error().message;
  const CharsMap::Match match = map->Longest("ab");
  EXPECT_EQ(match.length, 1u);
  EXPECT_EQ(match.replacement, "yes");
  EXPECT_EQ(map->Longest("ba").length, 0u);
  EXPECT_EQ(map->Longest("").length, 0u);
  EXPECT_EQ(CharsMap().Longest("a").length, 0u);
}

TEST(CharsMapTest, RefusesBlocksThatDoNotFit) {
  const std::string good = BlockOfA(0, std::string_view("x\0", 2));
  EXPECT_TRUE(CharsMap::Make("").ok());
  EXPECT_TRUE(CharsMap::Make(good).ok());
  for (const std::string& bad :
       {std::string("abc"), good.substr(0, 4), good.substr(0, good.size() - 2),
        std::string(12, '\0'), std::string(1, 3).append(11, '\0')}) {
    const auto map = CharsMap::Make(bad);
    ASSERT_FALSE(map.ok());
    EXPECT_NE(map.error().message.find("precompiled_charsmap"),
              std::string::npos);
  }
}

TEST(CharsMapTest, ReplacementsOutsideTheBlockAreNone) {
  for (const auto& [value, replacements] :
       {std::pair<uint32_t, std::string>(9, std::string("x\0", 2)),
        {0, "no end"},
        {0, std::string(CharsMap::kLongestReplacement + 1, 'x') + '\0'}}) {
    const auto map = CharsMap::Make(BlockOfA(value, replacements));
    ASSERT_TRUE(map.ok());
    EXPECT_EQ(map->Longest("a").length, 0u);
  }
}

// The key "aaa...": what follows k letters lies at 256 * k.
std::string BlockOfLetters(uint32_t letters) {
  std::vector<uint32_t> nodes(256 * (letters + 1), 0);
  for (uint32_t k = 0; k < letters; ++k) {
    const uint32_t at = 256 * k + 'a';
    nodes[at] = 'a' | (at ^ 256 * (k + 1)) << 10;
  }
  return Block(nodes, std::string_view("x\0", 2));
}

TEST(CharsMapTest, LongKeysAndReplacementsAreTold) {
  const auto message = [](const std::string& block) {
    const auto map = CharsMap::Make(block);
    EXPECT_TRUE(map.ok());
    const Status status = map.ok() ? map->CheckLengths() : Status();
    return status.ok() ? std::string() : status.error().message;
  };
  EXPECT_EQ(message(""), "");
  EXPECT_EQ(message(BlockOfLetters(CharsMap::kLongestKey)), "");
  EXPECT_EQ(message(BlockOfLetters(CharsMap::kLongestKey + 1)),
            "tokenizer.ggml.precompiled_charsmap: a key of more than 64 bytes; "
            "they are not supported");
  const std::string longest(CharsMap::kLongestReplacement, 'x');
  EXPECT_EQ(message(BlockOfA(0, longest + '\0')), "");
  EXPECT_EQ(message(BlockOfA(0, longest + "x" + '\0')),
            "tokenizer.ggml.precompiled_charsmap: a replacement of 257 bytes; "
            "at most 256 are supported");
}

TEST(CharsMapTest, RandomBlocksStayInside) {
  Random random(4);
  int matches = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<uint32_t> nodes;
    for (int n = 1 + random.Below(300); n > 0; --n) {
      // Labels and distances that are often right.
      const uint32_t label = static_cast<uint32_t>(nodes.size()) & 0xFF;
      nodes.push_back(random.Below(4) == 0
                          ? static_cast<uint32_t>(random.Bits())
                          : label | kEnds |
                                static_cast<uint32_t>(random.Below(300)) << 10);
    }
    const auto map = CharsMap::Make(Block(nodes, "abc"));
    ASSERT_TRUE(map.ok());
    std::string text;
    for (int n = random.Below(20); n > 0; --n) {
      text.push_back(static_cast<char>(random.Below(256)));
    }
    matches += map->Longest(text).length > 0 ? 1 : 0;
    EXPECT_LE(map->Longest(text).length, text.size());
    // Edges may run in circles: it ends all the same.
    if (const Status lengths = map->CheckLengths(); !lengths.ok()) {
      EXPECT_NE(lengths.error().message.find("key of more"), std::string::npos);
    }
  }
  EXPECT_EQ(matches, 0);  // no replacement has an end
}

}  // namespace
}  // namespace braid
