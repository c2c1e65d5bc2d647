// Tokenizers of every kind, small enough to be made in milliseconds: what
// encode_fuzz and decode_fuzz run on.
#ifndef BRAID_TESTS_FUZZ_SMALL_TOKENIZERS_H_
#define BRAID_TESTS_FUZZ_SMALL_TOKENIZERS_H_

#include <memory>
#include <string_view>
#include <vector>

#include "braid/tokenizer.h"

namespace braid {

// What decoding the tokens of a text gives back.
enum class RoundTrip {
  kNone,        // the kind rewrites texts, or has no token for some of them
  kBytes,       // the text
  kNfc,         // its normal form
  kSpaces,      // the text with spaces for U+2581
  kCleaned,     // the same, and U+FFFD for bytes that are no UTF-8
  kSpacesFront  // kSpaces, if no special token stands in the text: every part
                // between them gets a space in front
};

struct SmallTokenizer {
  std::unique_ptr<Tokenizer> tokenizer;
  RoundTrip round_trip;
};

// Of all kinds and all rules of splitting text; the same ones in every process.
const std::vector<SmallTokenizer>& SmallTokenizers();

// The commands at the start of an input, and what follows them.
struct FuzzInput {
  const SmallTokenizer* tokenizer;
  uint8_t flags;
  std::string_view rest;
};
FuzzInput ReadFuzzInput(const uint8_t* data, size_t size);

// BRAID_CHECKs that the pieces of `tokens`, what streaming makes of them, and
// Decode agree, and that streaming never hands out a part of a character.
// Returns Decode's text.
std::string CheckDecoding(const Tokenizer& tokenizer,
                          const std::vector<TokenId>& tokens,
                          const DecodeOptions& options);

}  // namespace braid

#endif  // BRAID_TESTS_FUZZ_SMALL_TOKENIZERS_H_
