// Text to tokens and back.
#ifndef BRAID_TOKENIZER_H_
#define BRAID_TOKENIZER_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/types.h"

namespace braid {

struct EncodeOptions {
  // Add what the vocabulary says belongs around a text (BOS, EOS, CLS, SEP).
  bool add_special = true;
  // Recognise the text of control tokens, such as "<|im_start|>", as those
  // tokens. User-defined tokens are always recognised.
  bool parse_special = true;
};

struct DecodeOptions {
  // Write control tokens as their text instead of nothing.
  bool special = false;
};

// Immutable; every method may be called from any thread. Any id may be asked
// for: one that is no token (a model may have more outputs than its tokenizer
// has tokens) has no text, and is neither a control token nor an end.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Any bytes are accepted, valid UTF-8 or not. Time is O(n log n).
  virtual std::vector<TokenId> Encode(std::string_view text,
                                      const EncodeOptions& options) const = 0;

  // The bytes of one token as they appear inside a text; may be part of a
  // UTF-8 character.
  virtual std::string Piece(TokenId token,
                            const DecodeOptions& options) const = 0;

  // The text of a whole sequence; applies the vocabulary's rules for the
  // start of a text (a leading space that Encode added is removed).
  virtual std::string Decode(std::span<const TokenId> tokens,
                             const DecodeOptions& options) const = 0;

  virtual int vocabulary_size() const = 0;
  // kNoToken where the vocabulary has none.
  virtual TokenId bos() const = 0;
  virtual TokenId eos() const = 0;
  // Does Encode with add_special put BOS first?
  virtual bool adds_bos() const = 0;
  virtual bool IsEndOfGeneration(TokenId token) const = 0;
  virtual bool IsControl(TokenId token) const = 0;
  // The text that the vocabulary stores for a token, unchanged.
  virtual std::string_view StoredText(TokenId token) const = 0;
  // What is odd about the vocabulary and was settled in one way: sentences for
  // whoever uses it, each once. Usually none.
  virtual std::span<const std::string> notices() const { return {}; }
};

// Turns a growing sequence of tokens into text, and never hands out half a
// UTF-8 character: bytes of an unfinished one wait for the next token.
// Not thread-safe.
class StreamingDetokenizer {
 public:
  // `tokenizer` must outlive this.
  explicit StreamingDetokenizer(const Tokenizer& tokenizer,
                                const DecodeOptions& options = {})
      : tokenizer_(&tokenizer), options_(options) {}

  // The text that `token` completes; may be empty.
  std::string Add(TokenId token);
  // What is still held back, as it is: call once, at the end.
  std::string Finish();

 private:
  const Tokenizer* tokenizer_;
  DecodeOptions options_;
  std::string pending_;
};

}  // namespace braid

#endif  // BRAID_TOKENIZER_H_
