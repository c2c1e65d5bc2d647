// Readers of vocabularies in the forms of their publishers. What does not parse
// ends the test program.
#ifndef BRAID_TESTS_GOLDEN_TOKENIZER_FOREIGN_VOCABULARIES_H_
#define BRAID_TESTS_GOLDEN_TOKENIZER_FOREIGN_VOCABULARIES_H_

#include <string>
#include <string_view>

#include "tests/golden/tokenizer/spec_builder.h"

namespace braid {

// A tokenizer.json of Hugging Face: byte-level BPE ("gpt2"), WordPiece
// ("bert"), or BPE with byte fallback, which is what SentencePiece's becomes
// ("llama", or "gemma4" if that is `pre`).
void ReadTokenizerJson(const std::string& json, std::string_view pre,
                       SpecBuilder& builder);

// RWKV's list: lines of an id, a Python literal and its length.
void ReadRwkvList(std::string_view text, SpecBuilder& builder);

}  // namespace braid

#endif  // BRAID_TESTS_GOLDEN_TOKENIZER_FOREIGN_VOCABULARIES_H_
