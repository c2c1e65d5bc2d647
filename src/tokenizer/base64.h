// Base64 (RFC 4648, section 4), in which a tokenizer.json holds bytes.
#ifndef BRAID_SRC_TOKENIZER_BASE64_H_
#define BRAID_SRC_TOKENIZER_BASE64_H_

#include <string>
#include <string_view>

#include "braid/result.h"

namespace braid {

// The bytes that `text` stands for, with or without padding. Error: another
// character.
Result<std::string> DecodeBase64(std::string_view text);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_BASE64_H_
