// Which special tokens take the white space beside them along: the lstrip and
// rstrip of `tokenizers`, which GGUF has no key for.
#ifndef BRAID_SRC_TOKENIZER_STRIP_RULES_H_
#define BRAID_SRC_TOKENIZER_STRIP_RULES_H_

#include <cstdint>
#include <string_view>

#include "tokenizer/spec.h"

namespace braid {

// On which sides; both bits may be set.
enum class Strip : uint8_t { kNone = 0, kLeft = 1, kRight = 2 };

constexpr bool Strips(Strip strip, Strip side) {
  return (static_cast<uint8_t>(strip) & static_cast<uint8_t>(side)) != 0;
}

// The rules of one vocabulary, told by what else its file says, as in
// llama.cpp:
//   Phi-3 (by general.name): special tokens and "</s>" strip on the right, but
//     for "<unk>", "<s>" and "<|endoftext|>";
//   ModernBERT (by general.name): "[MASK]" strips on the left;
//   Jina v2 German, Spanish and code (by tokenizer.ggml.pre), Jina v3 and
//     Nomic's mixture of experts (by general.architecture): so does "<mask>".
class StripRules {
 public:
  explicit StripRules(const TokenizerSpec& spec);

  Strip Of(std::string_view text, TokenType type) const;

 private:
  bool phi3_;
  std::string_view left_;  // the token that strips on the left; may be empty
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_STRIP_RULES_H_
