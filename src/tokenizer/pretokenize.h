// Pre-tokenization: where byte-level BPE may not merge across.
//
// Every rule stands for one or more regular expressions of the model's
// tokenizer.json, applied one after another; each splits every piece that the
// one before it left, and both its matches and the gaps between them are
// pieces. The expressions are written beside the code, which is by hand: a
// regular expression engine backtracks on long runs, and takes most of the
// time on ordinary text.
#ifndef BRAID_SRC_TOKENIZER_PRETOKENIZE_H_
#define BRAID_SRC_TOKENIZER_PRETOKENIZE_H_

#include <string_view>

#include "base/function_ref.h"

namespace braid {

enum class SplitRule {
  kGpt2,           // GPT-2's expression
  kDigitsGpt2,     // single digits, then GPT-2's
  kDefault,        // punctuation, GPT-2's, digits, digits in threes
  kFalcon,         // punctuation, GPT-2's, digits in threes
  kLlama3,         // Llama 3's: digits in threes, newlines end a piece
  kQwen2,          // Llama 3's, but single digits
  kQwen35,         // Qwen 2's, with marks in words
  kSeedCoder,      // Qwen 2's, but no newlines behind symbols
  kGpt4o,          // words end where lower case meets upper case
  kTekken,         // GPT-4o's without contractions, and single digits
  kKimiK2,         // runs of Han, then GPT-4o's
  kTinyAya,        // digits in threes from the right, then GPT-4o's
  kDeepseekLlm,    // newlines, cased letters, symbols, Asian letters, digits
  kDeepseekCoder,  // newlines, letters, punctuation, Asian letters, digits
  kDeepseekV3,     // digits in threes, Han and kana, words
  kBloom,          // all but white space and some punctuation
  kViking,         // BLOOM's, then single digits
  kSuperBpe,       // digits in threes from the right, all else in one piece
};

// Calls emit(piece) for the pieces of `text` in order; together they are the
// text. Bytes that are no UTF-8 count as the symbol U+FFFD. Time
// O(text.size()).
void SplitIntoPieces(SplitRule rule, std::string_view text,
                     FunctionRef<void(std::string_view)> emit);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PRETOKENIZE_H_
