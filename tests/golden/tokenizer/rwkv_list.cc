#include <string>

#include "base/check.h"
#include "tests/golden/tokenizer/foreign_vocabularies.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

// The bytes of a Python literal: 'text', "text", b'bytes' or b"bytes".
std::string ParseLiteral(std::string_view literal) {
  const bool is_bytes = literal.starts_with('b');
  literal.remove_prefix(is_bytes ? 2 : 1);
  literal.remove_suffix(1);
  std::string bytes;
  while (!literal.empty()) {
    if (literal[0] != '\\') {
      bytes.push_back(literal[0]);
      literal.remove_prefix(1);
      continue;
    }
    const char kind = literal.at(1);
    const size_t digits = kind == 'x'   ? 2
                          : kind == 'u' ? 4
                          : kind == 'U' ? 8
                                        : 0;
    if (digits > 0) {
      const uint32_t value = static_cast<uint32_t>(
          std::stoul(std::string(literal.substr(2, digits)), nullptr, 16));
      if (is_bytes) {
        bytes.push_back(static_cast<char>(value));
      } else {
        AppendUtf8(value, bytes);
      }
    } else {
      const size_t known = std::string_view("tnr").find(kind);
      bytes.push_back(known == std::string_view::npos ? kind : "\t\n\r"[known]);
    }
    literal.remove_prefix(2 + digits);
  }
  return bytes;
}

// The inside of Python's repr() of bytes, which is what GGUF files have.
std::string Escape(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const uint8_t byte = static_cast<uint8_t>(c);
    const size_t named = std::string_view("\t\n\r\\").find(c);
    if (named != std::string_view::npos) {
      text += {'\\', "tnr\\"[named]};
    } else if (byte >= 0x20 && byte < 0x7F) {
      text.push_back(c);
    } else {
      text += {'\\', 'x', kHex[byte / 16], kHex[byte % 16]};
    }
  }
  return text;
}

}  // namespace

void ReadRwkvList(std::string_view text, SpecBuilder& builder) {
  builder.spec().model = "rwkv";
  builder.SetToken(0, "<s>", TokenType::kControl);
  builder.SetId(TokenRole::kBos, 0);
  builder.SetId(TokenRole::kEos, 0);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const size_t literal = line.find(' ') + 1;
    const size_t length = line.rfind(' ') + 1;
    const std::string bytes =
        ParseLiteral(line.substr(literal, length - 1 - literal));
    BRAID_CHECK(bytes.size() == std::stoul(std::string(line.substr(length))));
    builder.SetToken(std::stoul(std::string(line.substr(0, literal))),
                     Escape(bytes), TokenType::kNormal);
  }
}

}  // namespace braid
