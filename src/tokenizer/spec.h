// TokenizerSpec: what a file says about its tokenizer, as it says it. Nothing
// in it is checked yet.
//
// The views belong to whoever filled the spec in; a tokenizer that is made
// from it keeps none of them.
#ifndef BRAID_SRC_TOKENIZER_SPEC_H_
#define BRAID_SRC_TOKENIZER_SPEC_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/utf8.h"

namespace braid {

// The parts that single tokens play.
enum class TokenRole {
  kBos,
  kEos,
  kUnknown,
  kSeparator,
  kPadding,
  kMask,
  kEndOfTurn,
  kEndOfMessage,
  kFimPadding,
  kFimRepository,
  kFimSeparator,
};
inline constexpr size_t kTokenRoles = 11;

// The ids of the container format.
enum class TokenType : uint8_t {
  kUndefined = 0,
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};
inline constexpr int kTokenTypes = 7;

// By TokenRole. An id that names no token counts as absent; those of a file are
// checked where they are read (load.h).
using TokenIds = std::array<std::optional<int64_t>, kTokenRoles>;

// What a SentencePiece model says that GGUF has no key for:
// braid.tokenizer.sentencepiece.* (docs/tokenizers.md).
struct SentencePieceRules {
  bool space_is_suffix = false;  // treat_whitespace_as_suffix
  bool escapes_spaces = true;    // escape_whitespaces
  // Are tokens named "<0x0A>" bytes of characters that no token has?
  bool falls_back_to_bytes = true;  // byte_fallback
  // User-defined pieces, ids and texts of one length. They are found in the
  // rewritten text, where a space is U+2581, and not in the text as it is;
  // `tokens` has spaces for the marks of these texts.
  std::vector<int32_t> symbols;  // user_defined
  std::vector<std::string_view> symbol_texts;
  // Unused pieces that byte-pair encoding merges into, to split them again.
  std::vector<int32_t> unused;
};

struct TokenizerSpec {
  std::string_view model;            // tokenizer.ggml.model
  std::string_view pre = "default";  // tokenizer.ggml.pre
  std::vector<std::string_view> tokens;
  std::vector<float> scores;   // empty, or one per token
  std::vector<int32_t> types;  // empty, or one per token
  std::vector<std::string_view> merges;
  TokenIds ids;
  std::vector<int32_t> end_ids;  // braid.tokenizer.end_token_ids
  std::optional<bool> add_bos;
  std::optional<bool> add_eos;
  std::optional<bool> add_space_prefix;
  std::optional<bool> remove_extra_whitespaces;
  std::optional<bool> lowercase;      // tokenizer.ggml.normalizer.lowercase
  std::optional<bool> strip_accents;  // tokenizer.ggml.normalizer.strip_accents
  // tokenizer.ggml.precompiled_charsmap; empty if absent.
  std::string_view charsmap;
  SentencePieceRules sentencepiece;
  // braid.tokenizer.pipeline (pipeline.h); empty if absent. If it is there, it
  // says what all keys but those of the tokens, merges and scores say.
  std::string_view pipeline;
  // general.architecture and general.name; empty if absent. No key says which
  // special tokens take the spaces beside them along: see strip_rules.h.
  std::string_view architecture;
  std::string_view name;
  // For Tokenizer::notices(): what reading the file found.
  std::vector<std::string> notices;
};

// What an error message shows of a text from a file, which may be long: whole
// characters.
inline std::string_view Excerpt(std::string_view text) {
  constexpr size_t kLongest = 64;
  if (text.size() <= kLongest) return text;
  text = text.substr(0, kLongest);
  text.remove_suffix(UnfinishedUtf8(text));
  return text;
}

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_SPEC_H_
