// SentencePiece's word and character models: a text is cut at its spaces or
// into its characters, and each part is a piece or unknown. GGUF has no name
// for them; ours are "braid-word" and "braid-character".
//
// Source: the package `sentencepiece` 0.2.3 (model types WORD and CHAR).
#ifndef BRAID_SRC_TOKENIZER_PIECE_LOOKUP_H_
#define BRAID_SRC_TOKENIZER_PIECE_LOOKUP_H_

#include <memory>

#include "braid/result.h"
#include "braid/tokenizer.h"
#include "tokenizer/spec.h"

namespace braid {

// Without their keys, a space is put before a text, spaces are squeezed, and
// neither BOS nor EOS is added. An unknown part becomes its bytes, if the
// vocabulary has tokens for all of them, or one unknown token for a run of
// them. The character model finds user-defined pieces first; the word model
// knows only whole words. Errors: those of Vocabulary::Make and
// TextRewriter::Make.
Result<std::unique_ptr<Tokenizer>> MakeWordTokenizer(const TokenizerSpec& spec);
Result<std::unique_ptr<Tokenizer>> MakeCharacterTokenizer(
    const TokenizerSpec& spec);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PIECE_LOOKUP_H_
