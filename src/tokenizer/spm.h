// SentencePiece's byte-pair encoding: the model "llama" of GGUF.
//
// A text is rewritten (text_rewriter.h); user-defined pieces are cut out of it;
// characters are merged, best score first, into tokens; a character that is no
// token becomes one token per byte.
//
// Source: Kudo, Richardson: "SentencePiece" (EMNLP 2018), and the tokenizer of
// Llama 2. As in Hugging Face's conversion, merging leads to normal tokens
// only: the text "</s>" does not become the token "</s>", nor do unused ones
// appear. Those of SentencePieceRules::unused are merged as the package
// `sentencepiece` does it, and then split where they were merged last.
#ifndef BRAID_SRC_TOKENIZER_SPM_H_
#define BRAID_SRC_TOKENIZER_SPM_H_

#include <memory>

#include "braid/result.h"
#include "braid/tokenizer.h"
#include "tokenizer/spec.h"

namespace braid {

// Without its keys a space is put before a text, and spaces are not squeezed.
//
// Errors: those of Vocabulary::Make and TextRewriter::Make.
//
// Tolerated: bytes that no token stands for (the unknown token, or dropped if
// there is none). Tokens of more than 512 bytes are not merged into.
Result<std::unique_ptr<Tokenizer>> MakeSpmTokenizer(const TokenizerSpec& spec);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_SPM_H_
