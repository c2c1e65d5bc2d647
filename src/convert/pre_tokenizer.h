// Which tokenizer.ggml.pre stands for the pre-tokenizer of a tokenizer.json.
//
// GGUF names pre-tokenizers; tokenizer.json defines them. They are recognised
// by their definition: the kinds of its steps and the regular expressions, as
// the models of each name publish them.
#ifndef BRAID_SRC_CONVERT_PRE_TOKENIZER_H_
#define BRAID_SRC_CONVERT_PRE_TOKENIZER_H_

#include <string>
#include <string_view>

#include "braid/result.h"
#include "json/json.h"

namespace braid::convert {

// Of a byte-level BPE: `tokenizer` is the whole file. Error: GGUF has no name
// that is known for this definition, which is quoted.
//
// Whoever converts writes the definition itself then (pipeline_draft.h).
Result<std::string> RecognisePreTokenizer(const Json& tokenizer);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_PRE_TOKENIZER_H_
