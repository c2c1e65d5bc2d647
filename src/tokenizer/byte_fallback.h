// What the encodings of SentencePiece's vocabularies share: characters that no
// token has, and the bytes and spaces that tokens stand for.
#ifndef BRAID_SRC_TOKENIZER_BYTE_FALLBACK_H_
#define BRAID_SRC_TOKENIZER_BYTE_FALLBACK_H_

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace braid {

// Immutable; every method may be called from any thread.
class ByteFallback {
 public:
  explicit ByteFallback(const Vocabulary& vocabulary)
      : ByteFallback(vocabulary, FindByteTokens(vocabulary)) {}
  ByteFallback(const Vocabulary& vocabulary, const ByteTokens& byte_tokens)
      : byte_tokens_(byte_tokens),
        unknown_(vocabulary.id(TokenRole::kUnknown)) {}

  // Appends the tokens of the character's bytes or, if one of them has none,
  // the unknown token: one for a run of such characters, none if the vocabulary
  // has none.
  void Append(std::string_view character, std::vector<TokenId>& tokens) const;

 private:
  ByteTokens byte_tokens_;
  TokenId unknown_;
};

// Appends what a normal or byte token stands for: the byte of "<0x0A>", or its
// text with spaces for the space marks.
void AppendPieceText(const Vocabulary& vocabulary, TokenId token,
                     std::string& text);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_BYTE_FALLBACK_H_
