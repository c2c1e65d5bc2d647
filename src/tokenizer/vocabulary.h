// Vocabulary: the tokens of a model: their texts, scores and types, and which
// of them play a special part.
//
// Source: the keys tokenizer.ggml.* of GGUF.
#ifndef BRAID_SRC_TOKENIZER_VOCABULARY_H_
#define BRAID_SRC_TOKENIZER_VOCABULARY_H_

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "braid/types.h"
#include "tokenizer/spec.h"
#include "tokenizer/strip_rules.h"
#include "tokenizer/text_table.h"

namespace braid {

// Immutable; every method may be called from any thread. A token argument must
// be in [0, size()).
class Vocabulary {
 public:
  // Copies what it keeps of `spec`; `default_ids` stand in for absent ones.
  // Errors: no tokens, more than fit, arrays
  // of another length than the tokens, a type or score that is none, rules of
  // SentencePiece for tokens that are none.
  //
  // Tolerated, because files in use have it: texts that occur twice (the lower
  // id is found), empty texts (never found), texts that are not UTF-8, ids out
  // of range (see TokenIds). With a notice: the start or an end of texts that
  // is typed as ordinary text, which is a control token all the same; not in
  // RWKV's vocabulary, where two line feeds end a turn, nor a single character,
  // without which texts could not be written.
  static Result<Vocabulary> Make(const TokenizerSpec& spec,
                                 const TokenIds& default_ids = {});

  int size() const { return texts_.size(); }
  std::string_view text(TokenId token) const { return texts_[token]; }
  TokenType type(TokenId token) const { return types_[Index(token)]; }
  Strip strip(TokenId token) const { return strips_[Index(token)]; }
  // 0 where the file has none.
  float score(TokenId token) const {
    return scores_.empty() ? 0.0f : scores_[Index(token)];
  }
  // Is it a user-defined piece of SentencePieceRules?
  bool is_symbol(TokenId token) const {
    return !symbols_.empty() && symbols_[Index(token)];
  }
  bool falls_back_to_bytes() const { return falls_back_to_bytes_; }
  // kNoToken if no token has this text.
  TokenId Find(std::string_view text) const { return texts_.Find(text); }

  // kNoToken where the vocabulary has none.
  TokenId id(TokenRole role) const { return ids_[static_cast<size_t>(role)]; }
  // The ids that the file names as ends (also braid.tokenizer.end_token_ids),
  // and the special tokens whose text is known to be one ("<|im_end|>", ...),
  // which become control tokens. A normal token is none, whatever its text,
  // unless the file has no types; nor is
  // "</s>" among the tags of HTML.
  bool IsEndOfGeneration(TokenId token) const {
    return ends_generation_[Index(token)];
  }
  // Those of the spec, and what Make() settled.
  const std::vector<std::string>& notices() const { return notices_; }

 private:
  static size_t Index(TokenId token) { return static_cast<size_t>(token); }

  void MarkNamedAsControl(const TokenizerSpec& spec);
  void MarkEndOfGeneration(bool has_types);
  void MarkSymbols(const SentencePieceRules& rules);

  TextTable texts_;
  std::vector<TokenType> types_;
  std::vector<Strip> strips_;
  std::vector<float> scores_;
  std::vector<bool> symbols_;  // empty: none is
  bool falls_back_to_bytes_ = true;
  std::array<TokenId, kTokenRoles> ids_;
  std::vector<bool> ends_generation_;
  std::vector<std::string> notices_;
};

// Is it a text that ends a turn or a text in the chat formats in use?
bool IsEndText(std::string_view text);

// By byte: the token "<0x0A>" of byte 10; kNoToken where it is absent, or all
// are no bytes (SentencePieceRules).
using ByteTokens = std::array<TokenId, 256>;
ByteTokens FindNamedByteTokens(const Vocabulary& vocabulary);
// Where that is absent, the normal one whose text is the byte itself.
ByteTokens FindByteTokens(const Vocabulary& vocabulary);

// Does a normal token have SentencePiece's space mark behind another character?
// If none has, as in Llama's vocabulary, no token crosses the start of a word.
bool AnyTokenSpansWords(const Vocabulary& vocabulary);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_VOCABULARY_H_
