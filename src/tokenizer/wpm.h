// WordPiece: the model "bert" of GGUF.
//
// Text is cleaned and cut into words at white space, around punctuation and
// around Chinese characters; a word becomes the longest token that begins it,
// then the longest that continues it, and so on. A word that no tokens spell
// becomes one unknown token.
//
// Source: Devlin et al.: "BERT" (2019), and BertNormalizer, BertPreTokenizer
// and WordPiece of Hugging Face's `tokenizers`, which are followed where
// llama.cpp differs: words of more than 100 characters are unknown, all of a
// character's decomposition but its nonspacing marks is kept. Categories of
// characters are those of Unicode 14 (`tokenizers` has Unicode 8 for marks and
// punctuation).
#ifndef BRAID_SRC_TOKENIZER_WPM_H_
#define BRAID_SRC_TOKENIZER_WPM_H_

#include <memory>

#include "braid/result.h"
#include "braid/tokenizer.h"
#include "tokenizer/spec.h"

namespace braid {

// A stored text that begins with U+2581 begins a word, any other continues
// one. A text gets CLS (the role BOS) and SEP around it, whatever
// tokenizer.ggml.add_bos_token says. Letters lose their case unless
// normalizer.lowercase is false, and their accents with it unless
// normalizer.strip_accents says otherwise.
//
// Decoding puts spaces between words and none before . ? ! , and contractions
// (Transformers' clean-up): it does not give the text back.
//
// Errors: those of Vocabulary::Make and ByteTrie::Make. Tolerated: no unknown
// token (such a word is dropped).
Result<std::unique_ptr<Tokenizer>> MakeWpmTokenizer(const TokenizerSpec& spec);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_WPM_H_
