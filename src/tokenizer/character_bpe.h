// Byte-pair encoding over characters: the model "gemma4" of GGUF.
//
// Spaces are written as U+2581, lines and runs of newlines are encoded one by
// one; characters are merged in the order of the vocabulary's list of merges; a
// character that is no token becomes one token per byte ("<0xE2>").
//
// Source: the tokenizer.json of Gemma (BPE with byte_fallback and fuse_unk of
// Hugging Face's `tokenizers`).
#ifndef BRAID_SRC_TOKENIZER_CHARACTER_BPE_H_
#define BRAID_SRC_TOKENIZER_CHARACTER_BPE_H_

#include <memory>

#include "braid/result.h"
#include "braid/tokenizer.h"
#include "tokenizer/spec.h"

namespace braid {

// BOS is put first unless the file says otherwise.
//
// Errors: those of Vocabulary::Make and MakeMergeTable. Tolerated: bytes that
// no token stands for (one unknown token for a run of such characters, or
// dropped if there is none).
Result<std::unique_ptr<Tokenizer>> MakeCharacterBpeTokenizer(
    const TokenizerSpec& spec);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_CHARACTER_BPE_H_
