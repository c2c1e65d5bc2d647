// Any token ids to text, those of no token among them, through small
// tokenizers of every kind: the first byte picks one, the second the flags, the
// rest are ids.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "tests/fuzz/small_tokenizers.h"

namespace braid {
namespace {

enum Flags : uint8_t { kDecodeSpecial = 1 };

// Two bytes each: mostly tokens.
std::vector<TokenId> ReadIds(std::string_view bytes, int size) {
  std::vector<TokenId> ids;
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const int low = static_cast<uint8_t>(bytes[i]);
    const int number = static_cast<uint8_t>(bytes[i + 1]) * 256 + low;
    const TokenId kStrange[] = {-1, size, size + low,
                                std::numeric_limits<TokenId>::min(),
                                std::numeric_limits<TokenId>::max()};
    ids.push_back(number < 0xF000 ? number % size : kStrange[low % 5]);
  }
  return ids;
}

void Check(const FuzzInput& input) {
  const Tokenizer& tokenizer = *input.tokenizer->tokenizer;
  const DecodeOptions options = {.special =
                                     (input.flags & kDecodeSpecial) != 0};
  const int size = tokenizer.vocabulary_size();
  const std::vector<TokenId> ids = ReadIds(input.rest, size);
  std::vector<TokenId> tokens;
  for (const TokenId id : ids) {
    if (id >= 0 && id < size) {
      tokens.push_back(id);
      BRAID_CHECK(tokenizer.StoredText(id).data() != nullptr);
      BRAID_CHECK(id != tokenizer.eos() || tokenizer.IsEndOfGeneration(id));
      BRAID_CHECK(options.special || !tokenizer.IsControl(id) ||
                  tokenizer.Piece(id, options).empty());
    } else {
      BRAID_CHECK(tokenizer.Piece(id, options).empty());
      BRAID_CHECK(tokenizer.StoredText(id).empty());
      BRAID_CHECK(!tokenizer.IsControl(id) && !tokenizer.IsEndOfGeneration(id));
    }
  }
  // What is no token counts as if it were not there.
  BRAID_CHECK(CheckDecoding(tokenizer, ids, options) ==
              tokenizer.Decode(tokens, options));
}

}  // namespace
}  // namespace braid

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  braid::Check(braid::ReadFuzzInput(data, size));
  return 0;
}
