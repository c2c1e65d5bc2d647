// SentencePiece's unigram language model: the model "t5" of GGUF.
//
// A text is rewritten (text_rewriter.h), and of all ways to cut it into tokens
// the one with the greatest sum of scores is taken.
//
// Source: Kudo: "Subword regularization" (ACL 2018), and SentencePiece, which
// is followed where llama.cpp and Hugging Face's `tokenizers` differ: sums are
// kept as floats, and started again where they are large, so that cuts that
// score alike fall as in the package `sentencepiece` 0.2.3.
#ifndef BRAID_SRC_TOKENIZER_UNIGRAM_H_
#define BRAID_SRC_TOKENIZER_UNIGRAM_H_

#include <memory>

#include "braid/result.h"
#include "braid/tokenizer.h"
#include "tokenizer/spec.h"

namespace braid {

// Without its keys add_space_prefix and remove_extra_whitespaces are true.
// Special tokens are cut out first, as everywhere, but for the user-defined
// pieces of SentencePieceRules, which are tokens like others that score better.
//
// Bytes that are no UTF-8 become U+FFFD: decoding gives rewritten texts.
// A run of characters that no token has becomes one unknown token, or each its
// bytes if the vocabulary has tokens for all bytes.
//
// Errors: those of Vocabulary::Make, ByteTrie::Make and TextRewriter::Make.
Result<std::unique_ptr<Tokenizer>> MakeUnigramTokenizer(
    const TokenizerSpec& spec);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_UNIGRAM_H_
