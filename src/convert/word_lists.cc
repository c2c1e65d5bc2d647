#include "convert/word_lists.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/utf8.h"
#include "tokenizer/word_piece_text.h"

namespace braid::convert {

namespace {

// The next line without its end; `text` is what follows.
std::string_view TakeLine(std::string_view& text) {
  std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

struct ClassName {
  std::string_view tokenizer_class;
  std::string_view pre;
};
// Which pre-tokenizer a class of `transformers` has built in.
constexpr ClassName kClasses[] = {
    {"GPT2Tokenizer", "gpt-2"},
    {"GPT2TokenizerFast", "gpt-2"},
    {"GPTNeoXTokenizer", "olmo"},
    {"GPTNeoXTokenizerFast", "olmo"},
    {"Qwen2Tokenizer", "qwen2"},
    {"Qwen2TokenizerFast", "qwen2"},
    {"RobertaTokenizer", "roberta-bpe"},
    {"RobertaTokenizerFast", "roberta-bpe"},
};

template <class Number>
std::optional<Number> ParseNumber(std::string_view text, int base) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stop != end || text.empty()) return std::nullopt;
  return number;
}

// The bytes of a Python literal: 'text', "text", b'bytes' or b"bytes".
std::optional<std::string> ParseLiteral(std::string_view literal) {
  const bool is_bytes = literal.starts_with('b');
  if (is_bytes) literal.remove_prefix(1);
  const bool quoted = literal.size() >= 2 &&
                      (literal[0] == '\'' || literal[0] == '"') &&
                      literal.back() == literal[0];
  if (!quoted) return std::nullopt;
  literal = literal.substr(1, literal.size() - 2);
  std::string bytes;
  while (!literal.empty()) {
    const char c = literal[0];
    literal.remove_prefix(1);
    if (c != '\\') {
      bytes += c;
      continue;
    }
    if (literal.empty()) return std::nullopt;
    const char kind = literal[0];
    literal.remove_prefix(1);
    const size_t digits = kind == 'x'   ? 2
                          : kind == 'u' ? 4
                          : kind == 'U' ? 8
                                        : 0;
    if (digits == 0) {
      const size_t known = std::string_view("tnr").find(kind);
      bytes += known == std::string_view::npos ? kind : "\t\n\r"[known];
      continue;
    }
    const auto value = ParseNumber<uint32_t>(literal.substr(0, digits), 16);
    if (!value || literal.size() < digits || *value > 0x10FFFF) {
      return std::nullopt;
    }
    literal.remove_prefix(digits);
    if (is_bytes) {
      bytes += static_cast<char>(*value);
    } else {
      AppendUtf8(*value, bytes);
    }
  }
  return bytes;
}

}  // namespace

Status ReadByteLevelLists(const Json& vocab, std::string_view merges,
                          const Json& tokenizer_config,
                          VocabularyDraft& draft) {
  const std::string* name = tokenizer_config["tokenizer_class"].Text();
  const auto* known = std::ranges::find(
      kClasses, name == nullptr ? std::string_view("GPT2Tokenizer") : *name,
      &ClassName::tokenizer_class);
  if (known == std::end(kClasses)) {
    return Error{
        Format("vocab.json and merges.txt: which pre-tokenizer {} "
               "has is not known; tokenizer.json would say it",
               *name)};
  }
  draft.model = "gpt2";
  draft.pre = known->pre;
  if (!vocab.IsObject()) return Error{"vocab.json is not an object"};
  for (const auto& [text, id] : vocab.Members()) {
    BRAID_TRY(draft.SetToken(id.Int().value_or(-1), text, TokenType::kNormal));
  }
  while (!merges.empty()) {
    const std::string_view line = TakeLine(merges);
    if (line.empty() || line.starts_with("#version")) continue;
    draft.merges.emplace_back(line);
  }
  return {};
}

std::string EscapedBytes(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    const size_t named = std::string_view("\t\n\r\\").find(c);
    if (named != std::string_view::npos) {
      text += {'\\', "tnr\\"[named]};
    } else if (byte >= 0x20 && byte < 0x7F) {
      text += c;
    } else {
      text += {'\\', 'x', kHex[byte / 16], kHex[byte % 16]};
    }
  }
  return text;
}

Status ReadWordPieceList(std::string_view words, const Json& tokenizer_config,
                         VocabularyDraft& draft) {
  draft.model = "bert";
  draft.lowercase = tokenizer_config["do_lower_case"].Bool().value_or(true);
  draft.strip_accents = tokenizer_config["strip_accents"].Bool();
  constexpr std::string_view kSpecial[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]",
                                           "[MASK]"};
  while (!words.empty()) {
    const std::string word(TakeLine(words));
    const bool special =
        std::ranges::find(kSpecial, word) != std::end(kSpecial);
    BRAID_TRY(draft.SetToken(
        static_cast<int64_t>(draft.size()), MarkedWordPiece(word),
        special ? TokenType::kControl : TokenType::kNormal));
  }
  const auto role = [&draft](const char* key, std::string_view text) {
    if (const auto id = draft.Find(text)) draft.ids.try_emplace(key, *id);
  };
  role("padding", "[PAD]");
  role("unknown", "[UNK]");
  role("cls", "[CLS]");
  role("seperator", "[SEP]");
  role("mask", "[MASK]");
  return {};
}

Status ReadRwkvList(std::string_view list, VocabularyDraft& draft) {
  draft.model = "rwkv";
  BRAID_TRY(draft.SetToken(0, "<s>", TokenType::kControl));
  for (int line_number = 1; !list.empty(); ++line_number) {
    const std::string_view line = TakeLine(list);
    if (line.empty()) continue;
    const size_t first = line.find(' ');
    const size_t last = line.rfind(' ');
    const Error wrong{
        Format("line {}: not an id, a token and its length", line_number)};
    if (first >= last || last == line.npos) return wrong;
    const auto id = ParseNumber<int64_t>(line.substr(0, first), 10);
    const auto bytes = ParseLiteral(line.substr(first + 1, last - first - 1));
    const auto length = ParseNumber<size_t>(line.substr(last + 1), 10);
    if (!id || !bytes || length != bytes->size()) return wrong;
    BRAID_TRY(draft.SetToken(*id, EscapedBytes(*bytes), TokenType::kNormal));
  }
  draft.ids["bos"] = 0;
  draft.ids["eos"] = 0;
  // Two line feeds end a turn.
  if (const auto end = draft.Find("\\n\\n")) draft.ids["eot"] = *end;
  return {};
}

}  // namespace braid::convert
