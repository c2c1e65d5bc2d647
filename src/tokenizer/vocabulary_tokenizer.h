// VocabularyTokenizer: what every kind of tokenizer does alike. A kind adds
// how it encodes ordinary text, and what bytes a normal token stands for.
//
// Decoded text is not "cleaned up" (Transformers can drop spaces before
// punctuation): that is for display, and would lose text. WordPiece is the
// exception: its texts are lost anyway (wpm.h).
#ifndef BRAID_SRC_TOKENIZER_VOCABULARY_TOKENIZER_H_
#define BRAID_SRC_TOKENIZER_VOCABULARY_TOKENIZER_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/tokenizer.h"
#include "tokenizer/special_tokens.h"
#include "tokenizer/vocabulary.h"

namespace braid {

class VocabularyTokenizer : public Tokenizer {
 public:
  std::vector<TokenId> Encode(std::string_view text,
                              const EncodeOptions& options) const final;
  std::string Piece(TokenId token, const DecodeOptions& options) const final;
  std::string Decode(std::span<const TokenId> tokens,
                     const DecodeOptions& options) const final;

  int vocabulary_size() const final { return vocabulary_.size(); }
  TokenId bos() const final { return vocabulary_.id(TokenRole::kBos); }
  TokenId eos() const final { return vocabulary_.id(TokenRole::kEos); }
  bool adds_bos() const final { return add_bos_ && bos() != kNoToken; }
  bool IsEndOfGeneration(TokenId token) const final;
  bool IsControl(TokenId token) const final;
  std::string_view StoredText(TokenId token) const final;
  std::span<const std::string> notices() const final {
    return vocabulary_.notices();
  }

 protected:
  // `end` is the token that Encode puts last if `add_end`.
  VocabularyTokenizer(Vocabulary vocabulary, bool add_bos, bool add_end,
                      TokenRole end = TokenRole::kEos);

  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  // Appends the tokens of the ordinary fragments, and the others as they are.
  virtual void EncodeFragments(std::span<const Fragment> fragments,
                               std::vector<TokenId>& tokens) const = 0;
  // Appends what a normal or byte token stands for.
  virtual void AppendBytes(TokenId token, std::string& text) const = 0;
  // Appends the text of any other token; by default, as it is.
  virtual void AppendSpecial(TokenId token, std::string& text) const;
  // `text` is what the first tokens stand for, of which only `last` may have
  // any: takes off what encoding put at the start of a text. Returns whether
  // the token behind `last` is looked at too.
  virtual bool TrimStart(TokenId last, std::string& text) const;

  void AppendPiece(TokenId token, const DecodeOptions& options,
                   std::string& text) const;
  bool Has(TokenId token) const;

  Vocabulary vocabulary_;
  bool add_bos_;
  bool add_end_;
  TokenId end_;
  SpecialTokens user_defined_;
  SpecialTokens all_special_;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_VOCABULARY_TOKENIZER_H_
