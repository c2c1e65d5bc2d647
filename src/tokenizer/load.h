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

// The two halves of it. The spec's views are into `file`. An id of a special
// token must be that of a token, or -1 (also as u32), which files write for
// "none". One that is out of range is an error, because whatever the file meant
// would be lost without a word; but for padding and mask, which Braid makes no
// use of and for which files in use write the vocabulary's size: a notice.
Result<TokenizerSpec> ReadTokenizerSpec(const gguf::File& file);
Result<std::unique_ptr<Tokenizer>> MakeTokenizer(const TokenizerSpec& spec);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_LOAD_H_
