// Reads a model file of SentencePiece: tokenizer.model, spiece.model, and the
// tokenizer.model.v3 of mamba-codestral, which is one under another name.
//
// Source: sentencepiece_model.proto (message ModelProto), in the wire format of
// protocol buffers.
#ifndef BRAID_SRC_TOKENIZER_SENTENCEPIECE_MODEL_H_
#define BRAID_SRC_TOKENIZER_SENTENCEPIECE_MODEL_H_

#include <deque>
#include <string>
#include <string_view>

#include "braid/result.h"
#include "tokenizer/spec.h"

namespace braid {

// What such a file says, as the keys tokenizer.ggml.* say it. Can be moved; the
// views of `spec` stay valid as long as this and the bytes that were read.
struct SentencePieceModel {
  SentencePieceModel() = default;
  SentencePieceModel(SentencePieceModel&&) = default;
  SentencePieceModel& operator=(SentencePieceModel&&) = default;

  // model: "t5" (unigram), "llama" (BPE), "braid-word" or "braid-character".
  // tokens, scores, types: one per piece. SentencePiece's types have the
  //   numbers of TokenType. User-defined ones have spaces for U+2581.
  // ids: unknown, BOS, EOS and padding, where the file does not say "none".
  // add_space_prefix, remove_extra_whitespaces, charsmap: of the normalizer.
  // sentencepiece: what else says how texts are encoded.
  // add_bos, add_eos: absent, no such file says it.
  TokenizerSpec spec;
  // Are characters that no piece has written as bytes ("<0xE2>")?
  bool byte_fallback = false;
  // What the package decodes the unknown token to. Braid decodes it to nothing
  // where special tokens are left out, as Transformers does.
  std::string_view unknown_surface = kDefaultUnknownSurface;
  static constexpr std::string_view kDefaultUnknownSurface = " \u2047 ";

  // The texts of `spec` that are not in the file as they are.
  std::deque<std::string> rewritten;
};

// Memory: up to 14 times bytes.size(). Passed over is only what the package
// itself looks at in training alone.
//
// Errors: what is no such message, with the byte at which that shows; fields
// that are not known; rules for decoded texts; a model without pieces, with
// none or several of type unknown, with bytes that are pieces and byte_fallback
// that says otherwise; a piece of no known type or of more than
// ByteTrie::kLongest bytes.
Result<SentencePieceModel> ReadSentencePieceModel(std::string_view bytes);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_SENTENCEPIECE_MODEL_H_
