#include "tokenizer/rwkv.h"

#include <gtest/gtest.h>

#include "tokenizer/byte_trie.h"

namespace braid {
namespace {

using Tokens = std::vector<TokenId>;

TEST(RwkvTest, Unescapes) {
  EXPECT_EQ(UnescapeRwkv(R"(a\t\n\r\\\'\x00\xfe)"),
            std::string("a\t\n\r\\'\0\xFE", 8));
  EXPECT_EQ(UnescapeRwkv(R"(\xg1\x1)"), "xg1x1");
  EXPECT_EQ(UnescapeRwkv("end\\"), "end\\");
  EXPECT_EQ(UnescapeRwkv("\xE4\xBD\xA0"), "\xE4\xBD\xA0");
}

TEST(RwkvTest, LongestTokenFirst) {
  TokenizerSpec spec;
  spec.model = "rwkv";
  spec.tokens = {"<s>", "a", "b", "abab", "ab", R"(\xff)"};
  spec.types = {3, 1, 1, 1, 1, 1};
  const auto made = MakeRwkvTokenizer(spec);
  ASSERT_TRUE(made.ok()) << made.error().message;
  const Tokenizer& tokenizer = **made;
  EXPECT_EQ(tokenizer.Encode("ababab\xFF", {}), (Tokens{3, 4, 5}));
  EXPECT_EQ(tokenizer.Encode("aba", {}), (Tokens{4, 1}));
  // "c" begins no token, and there is no unknown one.
  EXPECT_EQ(tokenizer.Encode("acb", {}), (Tokens{1, 2}));
  EXPECT_EQ(tokenizer.Decode(Tokens{3, 5, 0}, {}), "abab\xFF");
}

TEST(ByteTrieTest, LongestMatch) {
  const std::string too_long(ByteTrie::kLongest + 1, 'a');
  const auto trie = ByteTrie::Make(
      {{"ab", 1}, {"abc", 2}, {"", 3}, {too_long, 4}, {"ab", 5}}, "tokens");
  ASSERT_TRUE(trie.ok());
  EXPECT_EQ(trie->Longest("abcd").token, 2);
  EXPECT_EQ(trie->Longest("abcd").length, 3u);
  EXPECT_EQ(trie->Longest("abd").token, 1);
  EXPECT_EQ(trie->Longest("a").length, 0u);
  EXPECT_EQ(trie->Longest(too_long).length, 0u);
  EXPECT_EQ(trie->Longest("").length, 0u);
}

}  // namespace
}  // namespace braid
