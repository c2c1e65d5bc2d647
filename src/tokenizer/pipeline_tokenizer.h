// A tokenizer that does what braid.tokenizer.pipeline says, as Hugging Face's
// `tokenizers` does: added tokens are cut out, the rest is normalized, added
// tokens are cut out of that, the rest is cut into pieces, a model encodes
// each.
#ifndef BRAID_SRC_TOKENIZER_PIPELINE_TOKENIZER_H_
#define BRAID_SRC_TOKENIZER_PIPELINE_TOKENIZER_H_

#include <memory>

#include "braid/result.h"
#include "braid/tokenizer.h"
#include "tokenizer/spec.h"

namespace braid {

// What differs from `tokenizers`: bytes that are no UTF-8 are kept where the
// steps let them through, and decoding gives bytes, not U+FFFD; without
// parse_special no control token is found in a text, not even by the model.
// Decoding leaves out what `tokenizers` skips as special, and ends.
//
// Errors: those of Vocabulary::Make, Pipeline::Read and ReadPipelineModel, an
// id that is no token, an added token that the normalizer makes empty.
Result<std::unique_ptr<Tokenizer>> MakePipelineTokenizer(
    const TokenizerSpec& spec);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PIPELINE_TOKENIZER_H_
