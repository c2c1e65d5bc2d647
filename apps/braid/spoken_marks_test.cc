// SpokenTextEncoder with a vocabulary of bytes, one control token and one mark
// that is none by type, and is recognised in plain text too.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/braid/spoken_text.h"

namespace braid::cli {
namespace {

constexpr TokenId kControl = 256;
constexpr TokenId kMark = 257;

class ByteTokenizer : public Tokenizer {
 public:
  ByteTokenizer() {
    for (int byte = 0; byte < 256; ++byte) {
      texts_.emplace_back(1, static_cast<char>(byte));
    }
    texts_.insert(texts_.end(), {"<|c|>", "<\xef\xbd\x9cu>"});
  }

  std::vector<TokenId> Encode(std::string_view text,
                              const EncodeOptions& options) const override {
    std::vector<TokenId> tokens;
    while (!text.empty()) {
      TokenId token = static_cast<uint8_t>(text[0]);
      if (options.parse_special && text.starts_with(texts_[kControl])) {
        token = kControl;
      }
      if (text.starts_with(texts_[kMark])) token = kMark;
      tokens.push_back(token);
      text.remove_prefix(StoredText(token).size());
    }
    return tokens;
  }
  std::string Piece(TokenId token, const DecodeOptions&) const override {
    return std::string(StoredText(token));
  }
  std::string Decode(std::span<const TokenId> tokens,
                     const DecodeOptions& options) const override {
    std::string text;
    for (const TokenId token : tokens) text += Piece(token, options);
    return text;
  }
  int vocabulary_size() const override {
    return static_cast<int>(texts_.size());
  }
  TokenId bos() const override { return kNoToken; }
  TokenId eos() const override { return kNoToken; }
  bool adds_bos() const override { return false; }
  bool IsEndOfGeneration(TokenId) const override { return false; }
  bool IsControl(TokenId token) const override { return token == kControl; }
  std::string_view StoredText(TokenId token) const override {
    return texts_[static_cast<size_t>(token)];
  }

 private:
  std::vector<std::string> texts_;
};

int64_t CountOf(TokenId token, const std::vector<TokenId>& tokens) {
  return std::count(tokens.begin(), tokens.end(), token);
}

TEST(SpokenMarksTest, AMarkOfTheTemplateCannotBeSaid) {
  const ByteTokenizer tokenizer;
  const SpokenTextEncoder encoder(tokenizer);
  const std::string mark(tokenizer.StoredText(kMark));
  const std::string said = "a" + mark + "b<|c|>" + mark;
  const std::string text = mark + said + "<|c|>" + mark;
  const auto tokens = encoder.Encode(
      text,
      std::vector<chat::ByteRange>{{mark.size(), mark.size() + said.size()}},
      false);
  EXPECT_EQ(CountOf(kMark, tokens), 2);
  EXPECT_EQ(tokens.front(), kMark);
  EXPECT_EQ(tokens.back(), kMark);
  EXPECT_EQ(CountOf(kControl, tokens), 1);
  EXPECT_EQ(tokenizer.Decode(tokens, {}), text);
}

TEST(SpokenMarksTest, AMarkThatTheTemplateDoesNotUseIsAWordLikeOthers) {
  const ByteTokenizer tokenizer;
  const std::string text = "<|c|>a" + std::string(tokenizer.StoredText(kMark));
  const auto tokens = SpokenTextEncoder(tokenizer).Encode(
      text, std::vector<chat::ByteRange>{{5, text.size()}}, false);
  EXPECT_EQ(tokens, tokenizer.Encode(text, {}));
}

}  // namespace
}  // namespace braid::cli
