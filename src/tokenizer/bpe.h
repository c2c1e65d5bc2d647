// Byte-level byte-pair encoding: the model "gpt2" of GGUF.
//
// Text is cut into pieces (pretokenize.h); the bytes of a piece are merged,
// pair by pair, in the order of the vocabulary's list of merges.
//
// Source: Radford et al.: "Language models are unsupervised multitask
// learners" (2019), section 2.2. Two deliberate differences from llama.cpp:
// bytes that are no UTF-8 are kept (it turns them into U+FFFD), so decoding
// gives back every text; and a file that names no BOS or EOS has none (it
// assumes token 11).
#ifndef BRAID_SRC_TOKENIZER_BPE_H_
#define BRAID_SRC_TOKENIZER_BPE_H_

#include <memory>

#include "braid/result.h"
#include "braid/tokenizer.h"
#include "tokenizer/spec.h"

namespace braid {

// Errors: those of Vocabulary::Make, a value of tokenizer.ggml.pre that is not
// supported, a merge that is not two texts with a space between, no merges at
// all although normal tokens of several bytes need them.
//
// Tolerated: merges of or into texts that are no tokens (left out); bytes that
// no token stands for (dropped from a text). Unused tokens decode to nothing.
Result<std::unique_ptr<Tokenizer>> MakeBpeTokenizer(const TokenizerSpec& spec);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_BPE_H_
