// Which tokenizer.json the keys of GGUF express: all others need
// braid.tokenizer.pipeline.
#ifndef BRAID_SRC_CONVERT_PLAIN_TOKENIZER_H_
#define BRAID_SRC_CONVERT_PLAIN_TOKENIZER_H_

#include <string>

#include "json/json.h"

namespace braid::convert {

// What of `tokenizer` the keys of GGUF cannot say, as "normalizer Lowercase";
// empty if there is nothing. The post-processor is not looked at: it depends on
// the roles of tokens, which other files name.
std::string FindUnspeakable(const Json& tokenizer);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_PLAIN_TOKENIZER_H_
