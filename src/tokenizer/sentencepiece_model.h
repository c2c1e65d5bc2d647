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

  // model: "llama" (BPE) or "t5" (unigram).
  // tokens, scores, types: one per piece. SentencePiece's types have the
  //   numbers of TokenType. User-defined ones have spaces for U+2581.
  // ids: unknown, BOS, EOS and padding, where the file does not say "none".
  // add_space_prefix, remove_extra_whitespaces, charsmap: of the normalizer;
  //   MakeTokenizer uses the last two for "t5" only.
  // add_bos, add_eos: absent, no such file says it.
  TokenizerSpec spec;
  // Are characters that no piece has written as bytes ("<0xE2>")?
  bool byte_fallback = false;

  // The texts of `spec` that are not in the file as they are.
  std::deque<std::string> rewritten;
};

// Memory: up to 14 times bytes.size(). Fields that are not named above are
// passed over.
//
// Errors: what is no such message, with the byte at which that shows; a model
// without pieces, a piece of no known type, model types WORD and CHAR, and
// spaces that are kept as they are or put behind words: GGUF has no key for
// them.
Result<SentencePieceModel> ReadSentencePieceModel(std::string_view bytes);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_SENTENCEPIECE_MODEL_H_
