#include "tokenizer/byte_text.h"

#include <array>

#include "tokenizer/utf8.h"

namespace braid {

namespace {

constexpr uint32_t kSubstitutes = 68;

constexpr bool StandsForItself(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) ||
         byte >= 0xAE;
}

// The bytes of U+0100, U+0101, ...
constexpr std::array<uint8_t, kSubstitutes> MakeSubstituted() {
  std::array<uint8_t, kSubstitutes> bytes = {};
  size_t count = 0;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    if (!StandsForItself(byte)) bytes[count++] = static_cast<uint8_t>(byte);
  }
  return bytes;
}
constexpr std::array<uint8_t, kSubstitutes> kSubstituted = MakeSubstituted();

constexpr std::array<uint16_t, 256> MakeCharacters() {
  std::array<uint16_t, 256> characters = {};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    characters[byte] = static_cast<uint16_t>(byte);
  }
  for (uint32_t i = 0; i < kSubstitutes; ++i) {
    characters[kSubstituted[i]] = static_cast<uint16_t>(0x100 + i);
  }
  return characters;
}
constexpr std::array<uint16_t, 256> kCharacters = MakeCharacters();

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

}  // namespace

void AppendByteCharacter(uint8_t byte, std::string& text) {
  AppendUtf8(kCharacters[byte], text);
}

bool AppendBytesOf(std::string_view text, std::string& bytes) {
  const size_t before = bytes.size();
  for (size_t at = 0; at < text.size();) {
    const Utf8Char character = DecodeUtf8(text, at);
    const uint32_t code_point = character.code_point;
    if (code_point < 0x100 && StandsForItself(code_point)) {
      bytes.push_back(static_cast<char>(code_point));
    } else if (code_point >= 0x100 && code_point < 0x100 + kSubstitutes) {
      bytes.push_back(static_cast<char>(kSubstituted[code_point - 0x100]));
    } else {
      bytes.resize(before);
      return false;
    }
    at += character.length;
  }
  return true;
}

std::optional<uint8_t> ParseByteToken(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') {
    return std::nullopt;
  }
  const size_t high = kHexDigits.find(text[3]);
  const size_t low = kHexDigits.find(text[4]);
  if (high == std::string_view::npos || low == std::string_view::npos) {
    return std::nullopt;
  }
  return static_cast<uint8_t>(high * 16 + low);
}

std::string ByteTokenText(uint8_t byte) {
  std::string text = "<0x";
  text.push_back(kHexDigits[byte / 16]);
  text.push_back(kHexDigits[byte % 16]);
  text.push_back('>');
  return text;
}

void AppendWithSpaces(std::string_view stored, std::string& text) {
  for (size_t mark = stored.find(kSpaceMark); mark != std::string_view::npos;
       mark = stored.find(kSpaceMark)) {
    text += stored.substr(0, mark);
    text += ' ';
    stored.remove_prefix(mark + kSpaceMark.size());
  }
  text += stored;
}

}  // namespace braid
