#include "tokenizer/utf8.h"

#include <algorithm>

namespace braid {

namespace {

struct LeadByte {
  uint32_t length;  // of the whole character; 0: begins none
  // Range of the second byte: narrower than 80..BF where it rules out overlong
  // forms, surrogates and values above U+10FFFF (Unicode 14, table 3-7).
  uint8_t low;
  uint8_t high;
};

LeadByte ClassifyLead(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// The length of the longest prefix of `text`, at most lead.length, that is a
// prefix of a valid character.
size_t MatchingBytes(std::string_view text, const LeadByte& lead) {
  const size_t limit = std::min<size_t>(lead.length, text.size());
  size_t count = std::min<size_t>(limit, 1);
  while (count < limit) {
    const uint8_t byte = static_cast<uint8_t>(text[count]);
    const uint8_t low = count == 1 ? lead.low : 0x80;
    const uint8_t high = count == 1 ? lead.high : 0xBF;
    if (byte < low || byte > high) break;
    ++count;
  }
  return count;
}

}  // namespace

Utf8Char DecodeUtf8(std::string_view text, size_t at) {
  const uint8_t first = static_cast<uint8_t>(text[at]);
  if (first < 0x80) return {first, 1, true};
  const LeadByte lead = ClassifyLead(first);
  if (lead.length == 0 || MatchingBytes(text.substr(at), lead) < lead.length) {
    return {kReplacementCharacter, 1, false};
  }
  uint32_t code_point = first & (0x7Fu >> lead.length);
  for (size_t i = 1; i < lead.length; ++i) {
    code_point = code_point << 6 | (static_cast<uint8_t>(text[at + i]) & 0x3Fu);
  }
  return {code_point, lead.length, true};
}

void AppendUtf8(uint32_t code_point, std::string& text) {
  const auto continuation = [&](uint32_t shift) {
    text.push_back(static_cast<char>(0x80 | (code_point >> shift & 0x3F)));
  };
  if (code_point < 0x80) {
    text.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    text.push_back(static_cast<char>(0xC0 | code_point >> 6));
    continuation(0);
  } else if (code_point < 0x10000) {
    text.push_back(static_cast<char>(0xE0 | code_point >> 12));
    continuation(6);
    continuation(0);
  } else {
    text.push_back(static_cast<char>(0xF0 | code_point >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

size_t UnfinishedUtf8(std::string_view text) {
  const size_t longest = std::min<size_t>(3, text.size());
  for (size_t count = 1; count <= longest; ++count) {
    const std::string_view tail = text.substr(text.size() - count);
    const LeadByte lead = ClassifyLead(static_cast<uint8_t>(tail[0]));
    if (lead.length > count && MatchingBytes(tail, lead) == count) return count;
  }
  return 0;
}

}  // namespace braid
