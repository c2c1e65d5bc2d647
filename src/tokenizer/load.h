// From a file's metadata to its tokenizer.
#ifndef BRAID_SRC_TOKENIZER_LOAD_H_
#define BRAID_SRC_TOKENIZER_LOAD_H_

#include <memory>

#include "braid/result.h"
#include "braid/tokenizer.h"
#include "gguf/file.h"
#include "tokenizer/spec.h"

namespace braid {

// The tokenizer that the keys tokenizer.ggml.* describe. It copies what it
// needs: `file` may be closed afterwards. Errors name the key, or the kind of
// tokenizer that is not supported and those that are.
Result<std::unique_ptr<Tokenizer>> LoadTokenizer(const gguf::File& file);

// The two halves of it. The spec's views are into `file`.
Result<TokenizerSpec> ReadTokenizerSpec(const gguf::File& file);
Result<std::unique_ptr<Tokenizer>> MakeTokenizer(const TokenizerSpec& spec);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_LOAD_H_
