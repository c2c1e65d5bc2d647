// Reading characters of a text that is being cut into pieces: what the
// splitters share.
#ifndef BRAID_SRC_TOKENIZER_SPLIT_TEXT_H_
#define BRAID_SRC_TOKENIZER_SPLIT_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tokenizer/unicode_tables.h"
#include "tokenizer/utf8.h"

namespace braid {

struct Character {
  uint32_t length;  // bytes
  uint32_t code_point;
  CharClass kind;

  bool Is(CharClass classes) const { return (kind & classes) != 0; }
  bool IsBetween(uint32_t first, uint32_t last) const {
    return code_point >= first && code_point <= last;
  }
};

// at < text.size().
inline Character CharacterAt(std::string_view text, size_t at) {
  const uint8_t byte = static_cast<uint8_t>(text[at]);
  if (byte < 0x80) return {1, byte, unicode_tables::kAscii[byte]};
  const Utf8Char decoded = DecodeUtf8(text, at);
  return {decoded.length, decoded.code_point, ClassOf(decoded.code_point)};
}

inline bool IsNewline(char byte) { return byte == '\r' || byte == '\n'; }

// The end of the longest run of characters, from `at` on, that `belongs`.
template <class Belongs>
size_t SkipWhile(std::string_view text, size_t at, const Belongs& belongs) {
  while (at < text.size()) {
    const Character character = CharacterAt(text, at);
    if (!belongs(character)) break;
    at += character.length;
  }
  return at;
}

// The same for those of which (class & classes) != 0 is `wanted`.
template <CharClass classes, bool wanted = true>
size_t SkipRun(std::string_view text, size_t at) {
  return SkipWhile(text, at, [](const Character& character) {
    return character.Is(classes) == wanted;
  });
}

// The end of PREFIX?BELONGS+ where PREFIX is one white space character and
// belongs to nothing else; `at` if that does not match there.
template <class Belongs>
size_t SkipSpaceAnd(std::string_view text, size_t at, const Belongs& belongs) {
  const Character first = CharacterAt(text, at);
  const size_t begin = first.Is(kSpace) ? at + first.length : at;
  const size_t end = SkipWhile(text, begin, belongs);
  return end > begin ? end : at;
}

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_SPLIT_TEXT_H_
