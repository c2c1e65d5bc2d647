#include "chat/string_literal.h"

#include <cctype>
#include <cstdint>

#include "base/format.h"
#include "base/try.h"

namespace braid::chat {

namespace {

struct Simple {
  char escape;
  char32_t character;
};

constexpr Simple kSimple[] = {
    {'\\', '\\'}, {'\'', '\''}, {'"', '"'},  {'a', '\a'}, {'b', '\b'},
    {'f', '\f'},  {'n', '\n'},  {'r', '\r'}, {'t', '\t'}, {'v', '\v'},
};

int DigitOf(char32_t c) {
  if (c >= '0' && c <= '9') return static_cast<int>(c - '0');
  const char32_t lower = c | 0x20;
  return lower >= 'a' && lower <= 'f' ? static_cast<int>(lower - 'a') + 10 : 99;
}

// Reads up to `most` digits at `at`, which is moved behind them.
char32_t ReadDigits(TextView source, size_t& at, size_t most, int base) {
  char32_t value = 0;
  for (size_t i = 0; i < most && at < source.size(); ++i, ++at) {
    const int digit = DigitOf(source[at]);
    if (digit >= base) break;
    value = value * static_cast<char32_t>(base) + static_cast<char32_t>(digit);
  }
  return value;
}

// An escape of exactly `digits` hexadecimal digits.
Result<char32_t> ReadHex(TextView source, size_t& at, size_t digits) {
  const size_t begin = at;
  const char32_t value = ReadDigits(source, at, digits, 16);
  if (at - begin != digits) {
    return Error{
        Format("an escape needs {} digits, it has {}", digits, at - begin)};
  }
  if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
    return Error{"an escape is no character of Unicode"};
  }
  return value;
}

}  // namespace

Result<Text> Unescape(TextView source) {
  Text text;
  for (size_t at = 0; at < source.size();) {
    const char32_t c = source[at++];
    if (c != '\\' || at == source.size()) {
      text.push_back(c);
      continue;
    }
    const char32_t escape = source[at];
    if (escape >= '0' && escape <= '7') {
      text.push_back(ReadDigits(source, at, 3, 8));
      continue;
    }
    ++at;
    if (escape == '\n') continue;
    if (escape == 'N') return Error{"the escape \\N is not supported"};
    if (escape == 'x' || escape == 'u' || escape == 'U') {
      const size_t digits = escape == 'x' ? 2 : escape == 'u' ? 4 : 8;
      BRAID_ASSIGN(const char32_t value, ReadHex(source, at, digits));
      text.push_back(value);
      continue;
    }
    const Simple* known = nullptr;
    for (const Simple& simple : kSimple) {
      if (static_cast<char32_t>(simple.escape) == escape) known = &simple;
    }
    if (known == nullptr) text.push_back('\\');
    text.push_back(known == nullptr ? escape : known->character);
  }
  return text;
}

}  // namespace braid::chat
