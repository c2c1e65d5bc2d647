#include <gtest/gtest.h>

#include "tokenizer/load.h"

namespace braid {
namespace {

using Tokens = std::vector<TokenId>;
constexpr EncodeOptions kPlain = {.add_special = false};

TokenizerSpec SmallSpec() {
  TokenizerSpec spec;
  spec.model = "t5";
  spec.tokens = {"<pad>", "</s>", "<unk>",   "\u2581", "a",
                 "b",     "ab",   "\u2581a", "<x>"};
  spec.scores = {0, 0, 0, -2, -3, -3, -4, -4, 0};
  spec.types = {3, 3, 2, 1, 1, 1, 1, 1, 4};
  return spec;
}

std::unique_ptr<Tokenizer> Make(const TokenizerSpec& spec) {
  auto tokenizer = MakeTokenizer(spec);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  return std::move(tokenizer).value();
}

TEST(UnigramTest, TakesTheBestSum) {
  const auto tokenizer = Make(SmallSpec());
  // _ab: "_" "ab" is -6, "_a" "b" is -7.
  EXPECT_EQ(tokenizer->Encode("ab", kPlain), (Tokens{3, 6}));
  EXPECT_EQ(tokenizer->Encode("a", kPlain), (Tokens{7}));
  EXPECT_EQ(tokenizer->Encode("ab", {}), (Tokens{3, 6, 1}));
  EXPECT_EQ(tokenizer->Encode("", {}), Tokens{1});
}

TEST(UnigramTest, SpacesCollapse) {
  TokenizerSpec spec = SmallSpec();
  EXPECT_EQ(Make(spec)->Encode("  a   b  ", kPlain), (Tokens{7, 3, 5}));
  spec.remove_extra_whitespaces = false;
  EXPECT_EQ(Make(spec)->Encode(" a ", kPlain), (Tokens{3, 7, 3}));
  spec.add_space_prefix = false;
  EXPECT_EQ(Make(spec)->Encode("a", kPlain), Tokens{4});
}

TEST(UnigramTest, UnknownCharactersFoldAndUserDefinedOnesAreCutOut) {
  const auto tokenizer = Make(SmallSpec());
  EXPECT_EQ(tokenizer->Encode("xyz", kPlain), (Tokens{3, 2}));
  EXPECT_EQ(tokenizer->Encode("\xFF\xFE", kPlain), (Tokens{3, 2}));
  EXPECT_EQ(tokenizer->Encode("a<x>a", kPlain), (Tokens{7, 8, 7}));
  EXPECT_EQ(tokenizer->Decode(Tokens{7, 3, 6}, {}), "a ab");
}

TEST(UnigramTest, UnknownCharactersBecomeBytes) {
  TokenizerSpec spec = SmallSpec();
  std::vector<std::string> texts;
  for (int i = 0; i < 256; ++i) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    texts.push_back(std::string("<0x") + kHex[static_cast<size_t>(i) / 16] +
                    kHex[static_cast<size_t>(i) % 16] + ">");
  }
  for (const std::string& text : texts) {
    spec.tokens.push_back(text);
    spec.scores.push_back(0);
    spec.types.push_back(6);
  }
  const auto tokenizer = Make(spec);
  const Tokens tokens = tokenizer->Encode("a\u00E9", kPlain);
  EXPECT_EQ(tokens, (Tokens{7, 9 + 0xC3, 9 + 0xA9}));
  EXPECT_EQ(tokenizer->Decode(tokens, {}), "a\u00E9");
}

// A float near the sum of a long text would not tell the tokens apart.
TEST(UnigramTest, LongTextsAreCutAsWellAsShortOnes) {
  const auto tokenizer = Make(SmallSpec());
  std::string text;
  Tokens expected;
  for (int i = 0; i < 100000; ++i) {
    text += i == 0 ? "ab" : " ab";
    expected.insert(expected.end(), {3, 6});
  }
  EXPECT_EQ(tokenizer->Encode(text, kPlain), expected);
}

}  // namespace
}  // namespace braid
