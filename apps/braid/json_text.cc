#include "apps/braid/json_text.h"

#include "tokenizer/utf8.h"

namespace braid::cli {

std::string JsonText(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (size_t at = 0; at < text.size();) {
    const Utf8Char letter = DecodeUtf8(text, at);
    at += letter.length;
    if (letter.code_point == '"' || letter.code_point == '\\') {
      quoted += '\\';
      quoted += static_cast<char>(letter.code_point);
    } else if (letter.code_point < 0x20 || letter.code_point == 0x7F) {
      quoted += "\\u00";
      quoted += kHex[letter.code_point / 16];
      quoted += kHex[letter.code_point % 16];
    } else {
      AppendUtf8(letter.code_point, quoted);
    }
  }
  return quoted + "\"";
}

}  // namespace braid::cli
