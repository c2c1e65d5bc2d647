// Text: the strings of a template at work, with the mark of where each
// character comes from.
//
// A template mixes its own words ("<|im_start|>") with what people said. Only
// the template's own may become control tokens, so every character says whose
// it is, and keeps saying so through slices, replacements, joins and JSON:
// that is a bit of the character, and no operation can forget it. Comparing
// and searching look at the code point alone.
#ifndef BRAID_SRC_CHAT_TEXT_H_
#define BRAID_SRC_CHAT_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace braid::chat {

// Set in characters that came in with the values to render.
inline constexpr char32_t kSpoken = 0x80000000;

constexpr char32_t CodePoint(char32_t character) {
  return character & ~kSpoken;
}

struct TextTraits : std::char_traits<char32_t> {
  static constexpr bool eq(char32_t a, char32_t b) {
    return CodePoint(a) == CodePoint(b);
  }
  static constexpr bool lt(char32_t a, char32_t b) {
    return CodePoint(a) < CodePoint(b);
  }
  static int compare(const char32_t* a, const char32_t* b, size_t count);
  static const char32_t* find(const char32_t* text, size_t count,
                              const char32_t& wanted);
};

// Characters are code points, as in Python. A byte that is no UTF-8 is the
// character 0xdc00 + byte (Python's "surrogateescape"), so that every input
// comes out as it went in.
using Text = std::basic_string<char32_t, TextTraits>;
using TextView = std::basic_string_view<char32_t, TextTraits>;

Text TextOf(std::string_view utf8, bool spoken = false);

// A piece of a rendered text, in bytes.
struct ByteRange {
  size_t begin = 0;
  size_t end = 0;

  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

// The bytes of a text. `spoken`, if given, gets the maximal ranges of them that
// are spoken, ascending.
std::string BytesOf(TextView text, std::vector<ByteRange>* spoken = nullptr);

// Appends `ascii` with the mark of `like` on every character.
void AppendLike(Text& to, std::string_view ascii, char32_t like);

// The classes of characters and the cases that Python's str knows, from
// Unicode's tables.
bool IsSpace(char32_t character);
bool IsLineEnd(char32_t character);  // of str.splitlines
bool IsPrintable(char32_t character);
bool IsAlphabetic(char32_t character);
bool IsDecimal(char32_t character);
bool IsNumeric(char32_t character);  // digits, fractions, numerals
bool IsUpper(char32_t character);
bool IsLower(char32_t character);
bool IsTitle(char32_t character);
Text Upper(TextView text);
Text Lower(TextView text);
// As str.title: the first cased character of every run of them.
Text Title(TextView text);
// As str.capitalize.
Text Capitalized(TextView text);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_TEXT_H_
