// Hostile metadata to a tokenizer, and hostile text through it.
//
// The input is read as commands that fill in a TokenizerSpec; what is left
// over is the text. Whatever loads must encode and decode it, and its
// streaming must agree with its pieces.
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "base/check.h"
#include "tokenizer/load.h"

namespace braid {
namespace {

class Input {
 public:
  Input(const uint8_t* data, size_t size)
      : left_(reinterpret_cast<const char*>(data), size) {}

  uint8_t Byte() {
    if (left_.empty()) return 0;
    const char byte = left_.front();
    left_.remove_prefix(1);
    return static_cast<uint8_t>(byte);
  }
  // At most 15 bytes: short texts meet and merge.
  std::string_view Text() { return Text(Byte() % 16); }
  std::string_view Text(size_t wanted) {
    const std::string_view text = left_.substr(0, wanted);
    left_.remove_prefix(text.size());
    return text;
  }
  std::string_view rest() const { return left_; }

 private:
  std::string_view left_;
};

SentencePieceRules ReadRules(Input& input) {
  SentencePieceRules rules;
  const uint8_t flags = input.Byte();
  rules.space_is_suffix = (flags & 1) != 0;
  rules.escapes_spaces = (flags & 2) == 0;
  rules.falls_back_to_bytes = (flags & 4) == 0;
  for (int symbols = flags / 8 % 8; symbols > 0; --symbols) {
    rules.symbols.push_back(input.Byte());
    rules.symbol_texts.push_back(input.Text());
  }
  for (int unused = flags / 64; unused > 0; --unused) {
    rules.unused.push_back(input.Byte());
  }
  return rules;
}

TokenizerSpec ReadSpec(Input& input) {
  static constexpr std::string_view kPre[] = {
      "default",     "gpt-2",  "mpt",        "smollm",       "llama-bpe",
      "qwen2",       "falcon", "gpt-4o",     "tekken",       "kimi-k2",
      "tiny_aya",    "qwen35", "seed-coder", "deepseek-llm", "deepseek-coder",
      "deepseek-v3", "bloom",  "viking",     "superbpe"};
  static constexpr std::string_view kModels[] = {
      "gpt2", "llama",  "bert",       "t5",
      "rwkv", "gemma4", "braid-word", "braid-character"};
  TokenizerSpec spec;
  spec.model = kModels[input.Byte() % std::size(kModels)];
  spec.pre = kPre[input.Byte() % std::size(kPre)];
  const uint8_t flags = input.Byte();
  const uint8_t normalizer = input.Byte();
  if ((normalizer & 1) != 0) spec.lowercase = (normalizer & 2) != 0;
  if ((normalizer & 4) != 0) spec.strip_accents = (normalizer & 8) != 0;
  if ((normalizer & 16) != 0) {
    spec.remove_extra_whitespaces = (normalizer & 32) != 0;
  }
  if ((normalizer & 64) != 0) spec.charsmap = input.Text(input.Byte());
  if ((flags & 2) != 0) spec.add_bos = (flags & 4) != 0;
  if ((flags & 8) != 0) spec.add_space_prefix = (flags & 16) != 0;
  const int tokens = input.Byte();
  for (int i = 0; i < tokens; ++i) {
    spec.tokens.push_back(input.Text());
    if ((flags & 32) != 0) spec.types.push_back(input.Byte() % 8);
    if ((flags & 64) != 0)
      spec.scores.push_back(
          static_cast<float>(static_cast<int8_t>(input.Byte())));
  }
  for (int merges = input.Byte(); merges > 0; --merges) {
    spec.merges.push_back(input.Text());
  }
  for (auto& id : spec.ids) {
    if (const uint8_t byte = input.Byte(); byte % 2 == 1) id = byte / 2 - 2;
  }
  spec.sentencepiece = ReadRules(input);
  return spec;
}

void Check(const Tokenizer& tokenizer, std::string_view text, bool parse) {
  const std::vector<TokenId> tokens =
      tokenizer.Encode(text, {.add_special = parse, .parse_special = parse});
  std::string pieces;
  std::string streamed;
  StreamingDetokenizer detokenizer(tokenizer, {.special = parse});
  for (const TokenId token : tokens) {
    BRAID_CHECK(token >= 0 && token < tokenizer.vocabulary_size());
    pieces += tokenizer.Piece(token, {.special = parse});
    streamed += detokenizer.Add(token);
  }
  streamed += detokenizer.Finish();
  BRAID_CHECK(streamed == pieces);
  const std::string decoded = tokenizer.Decode(tokens, {.special = parse});
  // At most spaces are taken off the start of a text.
  BRAID_CHECK(pieces.ends_with(decoded));
  BRAID_CHECK(pieces.find_first_not_of(' ') >= pieces.size() - decoded.size());
}

}  // namespace
}  // namespace braid

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  braid::Input input(data, size);
  const braid::TokenizerSpec spec = braid::ReadSpec(input);
  const auto tokenizer = braid::MakeTokenizer(spec);
  if (!tokenizer.ok()) {
    BRAID_CHECK(!tokenizer.error().message.empty());
    return 0;
  }
  braid::Check(**tokenizer, input.rest(), true);
  braid::Check(**tokenizer, input.rest(), false);
  return 0;
}
