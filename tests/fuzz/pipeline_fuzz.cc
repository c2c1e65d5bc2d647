// Hostile braid.tokenizer.pipeline to a tokenizer, and hostile text through it.
//
// The input up to the first zero byte is the key's value; what follows is the
// text. Whatever loads must encode and decode it, and give ids of tokens.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "tokenizer/load.h"

namespace braid {
namespace {

// A vocabulary in which every kind of model finds something.
TokenizerSpec SmallSpec() {
  TokenizerSpec spec;
  spec.model = "gpt2";
  spec.tokens = {"<unk>",  "[UNK]",  "a",       "b",    "c",      "ab",   "##b",
                 "\u2581", "\u0120", "\u2581a", "</s>", "<0x61>", "b</w>"};
  spec.types.assign(spec.tokens.size(), 1);
  spec.types[10] = 3;
  spec.scores.assign(spec.tokens.size(), -1.0f);
  spec.merges = {"a b"};
  return spec;
}

void Run(std::string_view input) {
  const size_t zero = input.find('\0');
  if (zero == input.npos) return;
  TokenizerSpec spec = SmallSpec();
  spec.pipeline = input.substr(0, zero);
  if (spec.pipeline.empty()) return;
  const auto tokenizer = MakeTokenizer(spec);
  if (!tokenizer.ok()) return;
  const std::string_view text = input.substr(zero + 1);
  for (const bool special : {false, true}) {
    const auto tokens =
        (*tokenizer)
            ->Encode(text, {.add_special = special, .parse_special = special});
    for (const TokenId token : tokens) {
      BRAID_CHECK(token >= 0 && token < (*tokenizer)->vocabulary_size());
      (*tokenizer)->Piece(token, {.special = special});
    }
    (*tokenizer)->Decode(tokens, {.special = special});
  }
}

}  // namespace
}  // namespace braid

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  braid::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
