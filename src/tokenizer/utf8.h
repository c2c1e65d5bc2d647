// UTF-8, read from bytes that may not be valid.
#ifndef BRAID_SRC_TOKENIZER_UTF8_H_
#define BRAID_SRC_TOKENIZER_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace braid {

inline constexpr uint32_t kReplacementCharacter = 0xFFFD;

struct Utf8Char {
  uint32_t code_point;
  uint32_t length;  // bytes, 1 to 4
  bool valid;       // false: a byte that begins no character
};

// The character at text[at], at < text.size(). A byte that begins no valid
// character (overlong forms, surrogates and values above U+10FFFF included)
// reads as U+FFFD of length 1.
Utf8Char DecodeUtf8(std::string_view text, size_t at);

// Appends a Unicode scalar value.
void AppendUtf8(uint32_t code_point, std::string& text);

// How many bytes at the end of `text` (0 to 3) begin a character that more
// bytes could complete.
size_t UnfinishedUtf8(std::string_view text);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_UTF8_H_
