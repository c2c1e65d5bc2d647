// Any text to tokens and back, through small tokenizers of every kind: the
// first byte picks one, the second the flags, the rest is the text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "tests/fuzz/small_tokenizers.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/normalize.h"
#include "tokenizer/utf8.h"

namespace braid {
namespace {

enum Flags : uint8_t {
  kAddSpecial = 1,
  kParseSpecial = 2,
  kDecodeSpecial = 4,
  kSplit = 8,  // encode both halves of every cut of a short text, too
};
constexpr size_t kLongestToSplit = 12;

std::string Cleaned(std::string_view text) {
  std::string cleaned;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char character = DecodeUtf8(text, at);
    AppendUtf8(character.code_point, cleaned);
    at += character.length;
  }
  return cleaned;
}

std::string Expected(RoundTrip round_trip, std::string_view text) {
  std::string expected;
  switch (round_trip) {
    case RoundTrip::kNone:
    case RoundTrip::kBytes:
      return std::string(text);
    case RoundTrip::kNfc:
      return std::string(NormalizeNfc(text, expected));
    case RoundTrip::kSpaces:
    case RoundTrip::kSpacesFront:
      AppendWithSpaces(text, expected);
      return expected;
    case RoundTrip::kCleaned:
      AppendWithSpaces(Cleaned(text), expected);
      return expected;
  }
  BRAID_CHECK(false);
}

void CheckRoundTrip(const SmallTokenizer& small, std::string_view text,
                    bool parse_special) {
  const auto tokens = small.tokenizer->Encode(
      text, {.add_special = false, .parse_special = parse_special});
  constexpr TokenId kSpecialTokens = 4;  // the first ones, in all of them
  bool has_special = false;
  for (const TokenId token : tokens) has_special |= token < kSpecialTokens;
  // Parts between special tokens are normalized and prefixed one by one.
  const bool by_parts = small.round_trip == RoundTrip::kNfc ||
                        small.round_trip == RoundTrip::kSpacesFront;
  if (by_parts && has_special) return;
  BRAID_CHECK(small.tokenizer->Decode(tokens, {.special = true}) ==
              Expected(small.round_trip, text));
}

void Check(const FuzzInput& input) {
  const Tokenizer& tokenizer = *input.tokenizer->tokenizer;
  const bool parse_special = (input.flags & kParseSpecial) != 0;
  const std::string_view text = input.rest;
  const std::vector<TokenId> tokens =
      tokenizer.Encode(text, {.add_special = (input.flags & kAddSpecial) != 0,
                              .parse_special = parse_special});
  for (const TokenId token : tokens) {
    BRAID_CHECK(token >= 0 && token < tokenizer.vocabulary_size());
  }
  CheckDecoding(tokenizer, tokens,
                {.special = (input.flags & kDecodeSpecial) != 0});

  if (input.tokenizer->round_trip == RoundTrip::kNone) return;
  CheckRoundTrip(*input.tokenizer, text, parse_special);
  if ((input.flags & kSplit) == 0 || text.size() > kLongestToSplit) return;
  for (size_t at = 1; at < text.size(); ++at) {
    CheckRoundTrip(*input.tokenizer, text.substr(0, at), parse_special);
    CheckRoundTrip(*input.tokenizer, text.substr(at), parse_special);
  }
}

}  // namespace
}  // namespace braid

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  braid::Check(braid::ReadFuzzInput(data, size));
  return 0;
}
