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
  kGpt2,        // GPT-2's expression
  kDigitsGpt2,  // single digits, then GPT-2's
  kDefault,     // punctuation, GPT-2's, digits, digits in threes
  kLlama3,      // Llama 3's: digits in threes, newlines end a piece
  kQwen2,       // Llama 3's, but single digits
};

// Calls emit(piece) for the pieces of `text` in order; together they are the
// text. Bytes that are no UTF-8 count as the symbol U+FFFD. Time
// O(text.size()).
void SplitIntoPieces(SplitRule rule, std::string_view text,
                     FunctionRef<void(std::string_view)> emit);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PRETOKENIZE_H_
