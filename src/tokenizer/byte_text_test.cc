#include "tokenizer/byte_text.h"

#include <gtest/gtest.h>

namespace braid {
namespace {

TEST(ByteTextTest, EveryByteHasItsOwnCharacter) {
  std::string text;
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) {
    AppendByteCharacter(static_cast<uint8_t>(byte), text);
    bytes.push_back(static_cast<char>(byte));
  }
  std::string back;
  EXPECT_TRUE(AppendBytesOf(text, back));
  EXPECT_EQ(back, bytes);
}

TEST(ByteTextTest, KnownCharacters) {
  const std::pair<uint8_t, const char*> known[] = {
      {' ', "\u0120"},  {'\n', "\u010A"}, {0, "\u0100"},   {'!', "!"},
      {0x7F, "\u0121"}, {0xAD, "\u0143"}, {0xFF, "\u00FF"}};
  for (const auto& [byte, character] : known) {
    std::string text;
    AppendByteCharacter(byte, text);
    EXPECT_EQ(text, character);
  }
}

TEST(ByteTextTest, OtherCharactersAreNoBytes) {
  for (const char* text : {"a b", "\n", "\u0144", "\u2581", "\xFF"}) {
    std::string bytes = "kept";
    EXPECT_FALSE(AppendBytesOf(text, bytes));
    EXPECT_EQ(bytes, "kept");
  }
}

TEST(ByteTextTest, ByteTokens) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = ByteTokenText(static_cast<uint8_t>(byte));
    EXPECT_EQ(ParseByteToken(text), byte);
  }
  EXPECT_EQ(ByteTokenText(0x0A), "<0x0A>");
  for (const char* text :
       {"", "<0x0a>", "<0x0A", "<0x0AB>", "<1x0A>", "<0xG0>"}) {
    EXPECT_FALSE(ParseByteToken(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace braid
