#include "chat/text.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "chat/special_casing.h"

namespace braid::chat {

namespace {

// What Python's "surrogateescape" makes of a byte that is no UTF-8.
constexpr char32_t kStrayByte = 0xdc00;

struct Decoded {
  char32_t code_point;
  size_t length;
};

// The character at the start of `bytes`, which is not empty.
Decoded DecodeOne(std::string_view bytes) {
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(bytes[i]));
  };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const Decoded stray = {kStrayByte + first, 1};
  if (first < 0xc2 || first > 0xf4 || bytes.size() < length) return stray;
  uint32_t code = first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return stray;
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (code < kLeast[length] || code > 0x10ffff || surrogate) return stray;
  return {code, length};
}

void AppendBytes(char32_t code, std::string& bytes) {
  const auto add = [&](char32_t value) {
    bytes.push_back(static_cast<char>(static_cast<uint8_t>(value)));
  };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xc0 | code >> 6);
    add(0x80 | (code & 0x3f));
  } else if (code >= kStrayByte + 0x80 && code < kStrayByte + 0x100) {
    add(code - kStrayByte);
  } else if (code < 0x10000) {
    add(0xe0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  } else {
    add(0xf0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3f));
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  }
}

utf8proc_category_t CategoryOf(char32_t character) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(CodePoint(character)));
}

bool IsCased(char32_t c) { return IsUpper(c) || IsLower(c) || IsTitle(c); }

// Appends `mapped` with the mark of `like`.
void AppendMapped(std::u32string_view mapped, char32_t like, Text& text) {
  for (const char32_t c : mapped) text.push_back(c | (like & kSpoken));
}

void AppendSimple(utf8proc_int32_t mapped, char32_t like, Text& text) {
  text.push_back(static_cast<char32_t>(mapped) | (like & kSpoken));
}

void AppendUpper(char32_t c, Text& text) {
  const std::u32string_view special = SpecialUpper(CodePoint(c));
  if (!special.empty()) return AppendMapped(special, c, text);
  AppendSimple(utf8proc_toupper(static_cast<utf8proc_int32_t>(CodePoint(c))), c,
               text);
}

// Greek has two small sigmas: the one at the end of a word is 0x3c2.
bool SigmaIsFinal(TextView text, size_t at) {
  const auto ignorable = [](char32_t c) {
    const utf8proc_category_t category = CategoryOf(c);
    return category == UTF8PROC_CATEGORY_MN ||
           category == UTF8PROC_CATEGORY_ME ||
           category == UTF8PROC_CATEGORY_CF ||
           category == UTF8PROC_CATEGORY_LM ||
           category == UTF8PROC_CATEGORY_SK || CodePoint(c) == '\'' ||
           CodePoint(c) == '.' || CodePoint(c) == ':' || CodePoint(c) == 0xb7 ||
           CodePoint(c) == 0x2019;
  };
  size_t before = at;
  while (before > 0 && ignorable(text[before - 1])) --before;
  if (before == 0 || !IsCased(text[before - 1])) return false;
  size_t after = at + 1;
  while (after < text.size() && ignorable(text[after])) ++after;
  return after == text.size() || !IsCased(text[after]);
}

void AppendLower(TextView all, size_t at, Text& text) {
  const char32_t c = all[at];
  if (CodePoint(c) == 0x130) return AppendMapped(U"i\u0307", c, text);
  if (CodePoint(c) == 0x3a3) {
    const utf8proc_int32_t sigma = SigmaIsFinal(all, at) ? 0x3c2 : 0x3c3;
    return AppendSimple(sigma, c, text);
  }
  AppendSimple(utf8proc_tolower(static_cast<utf8proc_int32_t>(CodePoint(c))), c,
               text);
}

void AppendTitle(char32_t c, Text& text) {
  const auto code = static_cast<utf8proc_int32_t>(CodePoint(c));
  const std::u32string_view special = SpecialUpper(CodePoint(c));
  const auto title = static_cast<char32_t>(utf8proc_totitle(code));
  if (special.empty() || IsTitle(title)) {
    return AppendSimple(utf8proc_totitle(code), c, text);
  }
  Text whole;
  AppendMapped(special, c, whole);
  text.push_back(whole[0]);
  text += Lower(TextView(whole).substr(1));
}

}  // namespace

int TextTraits::compare(const char32_t* a, const char32_t* b, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (lt(a[i], b[i])) return -1;
    if (lt(b[i], a[i])) return 1;
  }
  return 0;
}

const char32_t* TextTraits::find(const char32_t* text, size_t count,
                                 const char32_t& wanted) {
  for (size_t i = 0; i < count; ++i) {
    if (eq(text[i], wanted)) return text + i;
  }
  return nullptr;
}

Text TextOf(std::string_view utf8, bool spoken) {
  Text text;
  text.reserve(utf8.size());
  while (!utf8.empty()) {
    const Decoded decoded = DecodeOne(utf8);
    text.push_back(decoded.code_point | (spoken ? kSpoken : 0));
    utf8.remove_prefix(decoded.length);
  }
  return text;
}

std::string BytesOf(TextView text, std::vector<ByteRange>* spoken) {
  std::string bytes;
  bytes.reserve(text.size());
  for (const char32_t c : text) {
    const size_t begin = bytes.size();
    AppendBytes(CodePoint(c), bytes);
    if (spoken == nullptr || (c & kSpoken) == 0) continue;
    if (!spoken->empty() && spoken->back().end == begin) {
      spoken->back().end = bytes.size();
    } else {
      spoken->push_back({begin, bytes.size()});
    }
  }
  return bytes;
}

void AppendLike(Text& to, std::string_view ascii, char32_t like) {
  for (const char c : ascii) {
    to.push_back(static_cast<char32_t>(static_cast<uint8_t>(c)) |
                 (like & kSpoken));
  }
}

bool IsSpace(char32_t character) {
  const char32_t c = CodePoint(character);
  return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 ||
         c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

bool IsLineEnd(char32_t character) {
  const char32_t c = CodePoint(character);
  return (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 ||
         c == 0x2028 || c == 0x2029;
}

bool IsPrintable(char32_t character) {
  if (CodePoint(character) == ' ') return true;
  switch (CategoryOf(character)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

bool IsAlphabetic(char32_t character) {
  const utf8proc_category_t category = CategoryOf(character);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool IsDecimal(char32_t character) {
  return CategoryOf(character) == UTF8PROC_CATEGORY_ND;
}

bool IsNumeric(char32_t character) {
  const utf8proc_category_t category = CategoryOf(character);
  return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool IsUpper(char32_t character) {
  return CategoryOf(character) == UTF8PROC_CATEGORY_LU;
}

bool IsLower(char32_t character) {
  return CategoryOf(character) == UTF8PROC_CATEGORY_LL;
}

bool IsTitle(char32_t character) {
  return CategoryOf(character) == UTF8PROC_CATEGORY_LT;
}

Text Upper(TextView text) {
  Text upper;
  upper.reserve(text.size());
  for (const char32_t c : text) AppendUpper(c, upper);
  return upper;
}

Text Lower(TextView text) {
  Text lower;
  lower.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) AppendLower(text, at, lower);
  return lower;
}

Text Title(TextView text) {
  Text title;
  title.reserve(text.size());
  bool inside = false;  // a run of cased characters
  for (size_t at = 0; at < text.size(); ++at) {
    if (inside) {
      AppendLower(text, at, title);
    } else {
      AppendTitle(text[at], title);
    }
    inside = IsCased(text[at]);
  }
  return title;
}

Text Capitalized(TextView text) {
  Text capitalized;
  capitalized.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    if (at == 0) {
      AppendTitle(text[at], capitalized);
    } else {
      AppendLower(text, at, capitalized);
    }
  }
  return capitalized;
}

}  // namespace braid::chat
