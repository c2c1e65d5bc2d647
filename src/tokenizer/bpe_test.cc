#include "tokenizer/bpe.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace braid {
namespace {

using Tokens = std::vector<TokenId>;

constexpr int32_t kNormal = static_cast<int32_t>(TokenType::kNormal);
constexpr int32_t kControl = static_cast<int32_t>(TokenType::kControl);
constexpr int32_t kUserDefined = static_cast<int32_t>(TokenType::kUserDefined);
constexpr int32_t kUnused = static_cast<int32_t>(TokenType::kUnused);

// U+0120 is a space, U+010A a newline.
TokenizerSpec SmallSpec() {
  TokenizerSpec spec;
  spec.model = "gpt2";
  spec.pre = "gpt-2";
  spec.tokens = {
      "a",  "b",   "c",     "\u0120",             // 0 to 3
      "ab", "bc",  "abc",   "\u0120a",            // 4 to 7
      "cc", "ccc", "<|x|>", "  ",      "[PAD12]"  // 8 to 12
  };
  spec.types = {kNormal,  kNormal,      kNormal, kNormal, kNormal,
                kNormal,  kNormal,      kNormal, kNormal, kNormal,
                kControl, kUserDefined, kUnused};
  // "abc" cannot be reached: "b c" comes before "a b".
  spec.merges = {"b c", "a b", "\u0120 a", "c c", "cc c", "ab c"};
  return spec;
}

std::unique_ptr<Tokenizer> Make(const TokenizerSpec& spec) {
  auto tokenizer = MakeBpeTokenizer(spec);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  BRAID_CHECK(tokenizer.ok());
  return std::move(tokenizer).value();
}

std::string ErrorOf(const TokenizerSpec& spec) {
  const auto tokenizer = MakeBpeTokenizer(spec);
  return tokenizer.ok() ? "no error" : tokenizer.error().message;
}

TEST(BpeTest, MergesInTheOrderOfTheList) {
  const auto tokenizer = Make(SmallSpec());
  EXPECT_EQ(tokenizer->Encode("ab", {}), (Tokens{4}));
  EXPECT_EQ(tokenizer->Encode("abc", {}), (Tokens{0, 5}));
  EXPECT_EQ(tokenizer->Encode("ab ab", {}), (Tokens{4, 3, 4}));
  EXPECT_EQ(tokenizer->Encode("cccc", {}), (Tokens{8, 8}));
  EXPECT_EQ(tokenizer->Encode("", {}), Tokens{});
}

TEST(BpeTest, IgnoreMergesTakesWholePieces) {
  TokenizerSpec spec = SmallSpec();
  spec.pre = "llama-bpe";
  const auto tokenizer = Make(spec);
  EXPECT_EQ(tokenizer->Encode("abc", {}), (Tokens{6}));
  EXPECT_EQ(tokenizer->Encode("abcc", {}), (Tokens{0, 5, 2}));
}

TEST(BpeTest, BytesWithoutATokenAreDroppedBeforeMerging) {
  const auto tokenizer = Make(SmallSpec());
  EXPECT_EQ(tokenizer->Encode("a\x01"
                              "b",
                              {}),
            (Tokens{0, 1}));
  // In one piece (both are symbols to the expression) the neighbours meet.
  TokenizerSpec spec = SmallSpec();
  spec.tokens[0] = "!";
  spec.tokens[4] = "!?";
  spec.tokens[1] = "?";
  spec.merges = {"! ?"};
  EXPECT_EQ(Make(spec)->Encode("!\xFF?", {}), (Tokens{4}));
}

TEST(BpeTest, SpecialTokens) {
  const auto tokenizer = Make(SmallSpec());
  EXPECT_EQ(tokenizer->Encode("a<|x|>b", {}), (Tokens{0, 10, 1}));
  EXPECT_EQ(tokenizer->Encode("a<|x|>b", {.parse_special = false}),
            (Tokens{0, 1}));
  EXPECT_EQ(tokenizer->Encode("a   b", {.parse_special = false}),
            (Tokens{0, 11, 3, 1}));
}

TEST(BpeTest, AddsWhatTheFileAsksFor) {
  TokenizerSpec spec = SmallSpec();
  EXPECT_EQ(Make(spec)->bos(), kNoToken);
  EXPECT_FALSE(Make(spec)->adds_bos());
  spec.ids[static_cast<size_t>(TokenRole::kBos)] = 10;
  spec.ids[static_cast<size_t>(TokenRole::kEos)] = 12;
  spec.add_bos = true;
  spec.add_eos = true;
  const auto tokenizer = Make(spec);
  EXPECT_TRUE(tokenizer->adds_bos());
  EXPECT_EQ(tokenizer->Encode("a", {}), (Tokens{10, 0, 12}));
  EXPECT_EQ(tokenizer->Encode("a", {.add_special = false}), (Tokens{0}));
  spec.ids[static_cast<size_t>(TokenRole::kBos)] = 13;  // names no token
  EXPECT_FALSE(Make(spec)->adds_bos());
}

TEST(BpeTest, Decodes) {
  const auto tokenizer = Make(SmallSpec());
  EXPECT_EQ(tokenizer->Decode(Tokens{7, 1, 10, 11, 12, 0}, {}), " ab  a");
  EXPECT_EQ(tokenizer->Decode(Tokens{7, 10, 12}, {.special = true}), " a<|x|>");
  EXPECT_EQ(tokenizer->StoredText(7), "\u0120a");
  EXPECT_TRUE(tokenizer->IsControl(10));
  EXPECT_FALSE(tokenizer->IsControl(11));
}

TEST(BpeTest, ToleratesWhatItSaysItDoes) {
  TokenizerSpec spec = SmallSpec();
  spec.tokens[8] = "ab";    // a second one
  spec.tokens[9] = "";      // empty
  spec.tokens[2] = "\xFF";  // no UTF-8
  spec.merges.push_back("x y");
  const auto tokenizer = Make(spec);
  EXPECT_EQ(tokenizer->Encode("ab", {}), (Tokens{4}));
  EXPECT_EQ(tokenizer->Decode(Tokens{8, 9, 2}, {}), "ab\xFF");
}

TEST(BpeTest, ErrorsNameTheThing) {
  TokenizerSpec spec = SmallSpec();
  spec.pre = "unheard-of";
  EXPECT_NE(ErrorOf(spec).find("\"unheard-of\" is not supported"),
            std::string::npos);
  EXPECT_NE(ErrorOf(spec).find("smollm"), std::string::npos);

  for (const char* merge : {"ab", "", " ", "a ", " a"}) {
    spec = SmallSpec();
    spec.merges[2] = merge;
    EXPECT_NE(ErrorOf(spec).find("tokenizer.ggml.merges[2]"), std::string::npos)
        << merge;
  }

  spec = SmallSpec();
  spec.tokens.clear();
  EXPECT_EQ(ErrorOf(spec), "tokenizer.ggml.tokens: the vocabulary is empty");

  spec = SmallSpec();
  spec.types.pop_back();
  EXPECT_EQ(ErrorOf(spec),
            "tokenizer.ggml.token_type: 12 elements for 13 tokens");

  spec = SmallSpec();
  spec.types[3] = 7;
  EXPECT_EQ(ErrorOf(spec),
            "tokenizer.ggml.token_type[3]: 7 is no token type (0 to 6)");
}

}  // namespace
}  // namespace braid
