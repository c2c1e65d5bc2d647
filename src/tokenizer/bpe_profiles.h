// What the value of tokenizer.ggml.pre stands for. GGUF writes neither the
// expressions nor the flags of a byte-level vocabulary, only this name.
#ifndef BRAID_SRC_TOKENIZER_BPE_PROFILES_H_
#define BRAID_SRC_TOKENIZER_BPE_PROFILES_H_

#include <string>
#include <string_view>

#include "tokenizer/pretokenize.h"

namespace braid {

struct BpeProfile {
  std::string_view name;
  SplitRule rule;
  // A piece that is a token as a whole is that token, whatever the merges say.
  bool ignore_merges = false;
  // If the file has no tokenizer.ggml.add_bos_token.
  bool add_bos = false;
  // The model's tokenizer.json normalizes texts to NFC.
  bool nfc = false;
};

// nullptr if `name` is not supported.
const BpeProfile* FindBpeProfile(std::string_view name);

// All supported names, for error messages.
std::string ListBpeProfiles();

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_BPE_PROFILES_H_
