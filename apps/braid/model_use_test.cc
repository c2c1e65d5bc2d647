#include "apps/braid/model_use.h"

#include <gtest/gtest.h>

namespace braid::cli {
namespace {

constexpr TokenId kBegin = 1;
constexpr TokenId kEnd = 2;

// Token 10 + i is the letter 'a' + i; a text stands between kBegin and kEnd.
class AroundTokenizer : public Tokenizer {
 public:
  std::vector<TokenId> Encode(std::string_view text,
                              const EncodeOptions& options) const override {
    std::vector<TokenId> tokens;
    if (options.add_special) tokens.push_back(kBegin);
    for (const char letter : text) tokens.push_back(10 + letter - 'a');
    if (options.add_special) tokens.push_back(kEnd);
    return tokens;
  }
  std::string Piece(TokenId, const DecodeOptions&) const override { return ""; }
  std::string Decode(std::span<const TokenId>,
                     const DecodeOptions&) const override {
    return "";
  }
  int vocabulary_size() const override { return 36; }
  TokenId bos() const override { return kBegin; }
  TokenId eos() const override { return kEnd; }
  bool adds_bos() const override { return true; }
  bool IsEndOfGeneration(TokenId) const override { return false; }
  bool IsControl(TokenId token) const override { return token < 10; }
  std::string_view StoredText(TokenId) const override { return ""; }
};

using Tokens = std::vector<TokenId>;

TEST(CutTokensTest, WhatIsAroundATextStays) {
  const AroundTokenizer tokenizer;
  EXPECT_EQ(CutTokens(tokenizer, "abcd", 6, Kept::kStart),
            (Tokens{kBegin, 10, 11, 12, 13, kEnd}));
  EXPECT_EQ(CutTokens(tokenizer, "abcd", 4, Kept::kStart),
            (Tokens{kBegin, 10, 11, kEnd}));
  EXPECT_EQ(CutTokens(tokenizer, "abcd", 4, Kept::kEnd),
            (Tokens{kBegin, 12, 13, kEnd}));
  EXPECT_EQ(CutTokens(tokenizer, "abcd", 2, Kept::kEnd),
            (Tokens{kBegin, kEnd}));
  EXPECT_EQ(CutTokens(tokenizer, "abcd", 1, Kept::kStart), (Tokens{kBegin}));
}

TEST(CheckLengthTest, NamesEveryFlagThatMustBeRaised) {
  const TextLimit limit = {
      .bounds = {{.tokens = 30, .flag = "-c"}, {.tokens = 20, .flag = "-ub"}}};
  EXPECT_EQ(limit.tokens(), 20);
  EXPECT_TRUE(CheckLength("it", 20, limit).ok());
  EXPECT_EQ(CheckLength("it", 21, limit).error().message,
            "it: 21 tokens, at most 20 fit: raise -ub");
  EXPECT_EQ(CheckLength("it", 31, limit).error().message,
            "it: 31 tokens, at most 20 fit: raise -c, -ub");
  TextLimit fixed = limit;
  fixed.bounds.push_back({.tokens = 25, .flag = ""});
  EXPECT_EQ(CheckLength("it", 26, fixed).error().message,
            "it: 26 tokens, at most 20 fit: the model has no more positions");
  EXPECT_TRUE(CheckLength("it", 1 << 30, {}).ok());
}

TEST(CheckUseTest, NamesTheCommandsThatTakeAModel) {
  ModelInfo info;
  info.architecture = "bert";
  info.logits = false;
  info.bidirectional = true;
  EXPECT_EQ(KindOf(info), ModelKind::kEncoder);
  EXPECT_TRUE(CheckUse("embedding", "a.gguf", info).ok());
  EXPECT_EQ(CheckUse("chat", "a.gguf", info).error().message,
            "a.gguf: bert is an encoder: it makes embeddings and predicts no "
            "tokens; commands that take such a model: embedding, bench, "
            "imatrix");
  info.logits = true;
  EXPECT_TRUE(CheckUse("chat", "a.gguf", info).ok());
}

}  // namespace
}  // namespace braid::cli
