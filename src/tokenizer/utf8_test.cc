#include "tokenizer/utf8.h"

#include <gtest/gtest.h>

namespace braid {
namespace {

TEST(Utf8Test, ReadsBackEveryScalarValue) {
  for (uint32_t code_point = 0; code_point < 0x110000; ++code_point) {
    if (code_point >= 0xD800 && code_point < 0xE000) continue;
    std::string text;
    AppendUtf8(code_point, text);
    const Utf8Char character = DecodeUtf8(text, 0);
    ASSERT_EQ(character.code_point, code_point);
    ASSERT_EQ(character.length, text.size());
    ASSERT_TRUE(character.valid);
    ASSERT_EQ(UnfinishedUtf8(text), 0u);
    for (size_t count = 1; count < text.size(); ++count) {
      ASSERT_EQ(UnfinishedUtf8(text.substr(0, count)), count);
      ASSERT_FALSE(DecodeUtf8(text.substr(0, count), 0).valid);
    }
  }
}

TEST(Utf8Test, InvalidBytesReadAsReplacementsOneByOne) {
  for (const std::string text :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    for (size_t at = 0; at < text.size(); ++at) {
      const Utf8Char character = DecodeUtf8(text, at);
      EXPECT_EQ(character.code_point, kReplacementCharacter);
      EXPECT_EQ(character.length, 1u);
      EXPECT_FALSE(character.valid);
    }
    EXPECT_EQ(UnfinishedUtf8(text), 0u) << testing::PrintToString(text);
  }
}

TEST(Utf8Test, UnfinishedLooksAtTheLastCharacterOnly) {
  EXPECT_EQ(UnfinishedUtf8(""), 0u);
  EXPECT_EQ(UnfinishedUtf8("abc"), 0u);
  EXPECT_EQ(UnfinishedUtf8("abc\xF0\x9F\x98"), 3u);
  EXPECT_EQ(UnfinishedUtf8("\xF0\x9F\xE2"), 1u);
  EXPECT_EQ(UnfinishedUtf8("\xE2\x96\x81\xE2\x96"), 2u);
  EXPECT_EQ(UnfinishedUtf8("\xE2\x96\x81\x80"), 0u);
}

}  // namespace
}  // namespace braid
