#include "tokenizer/spm.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "base/check.h"
#include "tokenizer/byte_text.h"

namespace braid {
namespace {

using Tokens = std::vector<TokenId>;

// Owns the texts that its spec shows.
class SmallVocabulary {
 public:
  SmallVocabulary() {
    spec_.model = "llama";
    Add("<unk>", 0, TokenType::kUnknown);
    Add("<s>", 0, TokenType::kControl);
    Add("</s>", 0, TokenType::kControl);
    for (const char* text : {"\u2581", "a", "b", "<", "s", ">"}) {
      Add(text, -100);  // 3 to 8
    }
    Add("ab", -1);                          // 9
    Add("\u2581a", -2);                     // 10
    Add("\u2581ab", -3);                    // 11
    Add("ba", -1);                          // 12
    Add("<s", -4);                          // 13
    Add("s>", -4);                          // 14
    Add("  ", 0, TokenType::kUserDefined);  // 15
  }

  void Add(std::string_view text, float score,
           TokenType type = TokenType::kNormal) {
    spec_.tokens.push_back(text);
    spec_.scores.push_back(score);
    spec_.types.push_back(static_cast<int32_t>(type));
  }

  // From 16 on, if nothing else was added.
  void AddByteTokens() {
    for (int byte = 0; byte < 256; ++byte) {
      bytes_[byte] = ByteTokenText(static_cast<uint8_t>(byte));
      Add(bytes_[byte], 0, TokenType::kByte);
    }
  }

  TokenizerSpec& spec() { return spec_; }

  std::unique_ptr<Tokenizer> Make() const {
    auto tokenizer = MakeSpmTokenizer(spec_);
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    BRAID_CHECK(tokenizer.ok());
    return std::move(tokenizer).value();
  }

 private:
  TokenizerSpec spec_;
  std::string bytes_[256];
};

constexpr EncodeOptions kPlain = {.add_special = false};

TEST(SpmTest, MergesTheBestScoreFirstTiesFromTheLeft) {
  SmallVocabulary vocabulary;
  vocabulary.spec().add_space_prefix = false;
  const auto tokenizer = vocabulary.Make();
  EXPECT_EQ(tokenizer->Encode("ab", kPlain), (Tokens{9}));
  EXPECT_EQ(tokenizer->Encode("aba", kPlain), (Tokens{9, 4}));
  EXPECT_EQ(tokenizer->Encode("bab", kPlain), (Tokens{12, 5}));
  EXPECT_EQ(tokenizer->Encode(" ab", kPlain), (Tokens{11}));
}

TEST(SpmTest, PrefixesEveryFragmentWithASpace) {
  const auto tokenizer = SmallVocabulary().Make();
  EXPECT_EQ(tokenizer->Encode("ab", {}), (Tokens{1, 11}));
  EXPECT_EQ(tokenizer->Encode("ab</s>a", {}), (Tokens{1, 11, 2, 10}));
  EXPECT_EQ(tokenizer->Encode("", {}), (Tokens{1}));
  EXPECT_EQ(tokenizer->Encode("a  a", kPlain), (Tokens{10, 15, 10}));
  EXPECT_EQ(tokenizer->Decode(Tokens{1, 11, 2, 10}, {}), "ab a");
  EXPECT_EQ(tokenizer->Decode(Tokens{1, 11}, {.special = true}), "<s> ab");
  EXPECT_EQ(tokenizer->Piece(11, {}), " ab");
}

TEST(SpmTest, TextDoesNotMergeIntoControlTokens) {
  SmallVocabulary vocabulary;
  vocabulary.spec().add_space_prefix = false;
  const auto tokenizer = vocabulary.Make();
  EXPECT_EQ(tokenizer->Encode("<s>", kPlain), (Tokens{1}));
  EXPECT_EQ(
      tokenizer->Encode("<s>", {.add_special = false, .parse_special = false}),
      (Tokens{13, 8}));
}

TEST(SpmTest, UnknownCharactersBecomeBytesOrOneUnknown) {
  SmallVocabulary vocabulary;
  vocabulary.spec().add_space_prefix = false;
  EXPECT_EQ(vocabulary.Make()->Encode("a\u00E9\u00E9\xFF"
                                      "b",
                                      kPlain),
            (Tokens{4, 0, 5}));
  vocabulary.AddByteTokens();
  const auto tokenizer = vocabulary.Make();
  const Tokens tokens = {4, 16 + 0xC3, 16 + 0xA9, 16 + 0xFF, 5};
  EXPECT_EQ(tokenizer->Encode("a\u00E9\xFF"
                              "b",
                              kPlain),
            tokens);
  EXPECT_EQ(tokenizer->Decode(tokens, {}),
            "a\u00E9\xFF"
            "b");
}

TEST(SpmTest, TokensThatSpanWordsAreFound) {
  SmallVocabulary vocabulary;
  vocabulary.spec().add_space_prefix = false;
  EXPECT_EQ(vocabulary.Make()->Encode("b b", kPlain), (Tokens{5, 3, 5}));
  vocabulary.Add("b\u2581", 0);
  EXPECT_EQ(vocabulary.Make()->Encode("b b", kPlain), (Tokens{16, 5}));
}

TEST(SpmTest, IdsHaveDefaultsThatTheFileReplaces) {
  SmallVocabulary vocabulary;
  const auto tokenizer = vocabulary.Make();
  EXPECT_EQ(tokenizer->bos(), 1);
  EXPECT_EQ(tokenizer->eos(), 2);
  EXPECT_TRUE(tokenizer->IsEndOfGeneration(2));
  EXPECT_FALSE(tokenizer->IsEndOfGeneration(1));
  vocabulary.spec().ids[static_cast<size_t>(TokenRole::kBos)] = 2;
  vocabulary.spec().ids[static_cast<size_t>(TokenRole::kEos)] = -1;
  vocabulary.spec().add_bos = false;
  EXPECT_EQ(vocabulary.Make()->bos(), 2);
  EXPECT_EQ(vocabulary.Make()->eos(), 2);
  EXPECT_FALSE(vocabulary.Make()->adds_bos());
}

TEST(SpmTest, RefusesScoresThatAreNone) {
  SmallVocabulary vocabulary;
  vocabulary.spec().scores[4] = std::numeric_limits<float>::quiet_NaN();
  const auto tokenizer = MakeSpmTokenizer(vocabulary.spec());
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_EQ(tokenizer.error().message,
            "tokenizer.ggml.scores[4]: not a number");
  vocabulary.spec().scores.clear();
  EXPECT_TRUE(MakeSpmTokenizer(vocabulary.spec()).ok());
}

}  // namespace
}  // namespace braid
