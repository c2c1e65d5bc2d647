#include "apps/braid/text_input.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/format.h"

namespace braid::cli {
namespace {

// Characters of one, two, three and four bytes of UTF-8.
constexpr char kText[] = "a\nb\xC3\xA4\n\n\xE2\x82\xAC\xF0\x9F\x98\x80\n";
constexpr std::u16string_view kCrlfUnits =
    u"a\r\nb\u00E4\r\n\r\n\u20AC\U0001F600\r\n";

std::string Utf16(std::u16string_view units, bool little) {
  std::string bytes;
  for (const char16_t unit : units) {
    const char low = static_cast<char>(unit & 0xFF);
    const char high = static_cast<char>(unit >> 8);
    bytes += little ? low : high;
    bytes += little ? high : low;
  }
  return bytes;
}

std::string WithMark(std::u16string_view units, bool little) {
  return Utf16(u"\uFEFF", little) + Utf16(units, little);
}

TEST(ToPlainTextTest, WhateverWroteTheText) {
  const std::string crlf =
      "a\r\nb\xC3\xA4\r\n\r\n\xE2\x82\xAC\xF0\x9F\x98\x80\r\n";
  const struct {
    std::string bytes;
    std::string was;
  } cases[] = {
      {kText, ""},
      {crlf, "CRLF at line ends"},
      {"\xEF\xBB\xBF" + crlf,
       "UTF-8 with a byte order mark, CRLF at line ends"},
      {WithMark(kCrlfUnits, true), "UTF-16, little-endian, CRLF at line ends"},
      {WithMark(kCrlfUnits, false), "UTF-16, big-endian, CRLF at line ends"},
  };
  for (const auto& [bytes, was] : cases) {
    const auto plain = ToPlainText(bytes);
    ASSERT_TRUE(plain.ok()) << was;
    EXPECT_EQ(plain->text, kText) << was;
    EXPECT_EQ(plain->was, was);
  }
}

TEST(ToPlainTextTest, WhatIsNoLineEndStays) {
  for (const std::string text : {"a\rb\r", "\r", "", "\xEF\xBB", "\xFF"}) {
    const auto plain = ToPlainText(text);
    ASSERT_TRUE(plain.ok());
    EXPECT_EQ(plain->text, text);
    EXPECT_EQ(plain->was, "");
  }
}

TEST(ToPlainTextTest, RefusesWhatItWouldHaveToGuess) {
  const struct {
    std::string bytes;
    std::string message;
  } cases[] = {
      {WithMark(u"ab", true) + "c", "5 bytes behind its byte order mark"},
      {WithMark(std::u16string{u'a', char16_t{0xD83D}}, true),
       "half a surrogate pair at byte 2"},
      {WithMark(std::u16string{char16_t{0xDE00}, u'a'}, false),
       "half a surrogate pair at byte 0"},
      {std::string("\xFF\xFE\0\0a\0\0\0", 8), "UTF-32"},
  };
  for (const auto& [bytes, message] : cases) {
    const auto plain = ToPlainText(bytes);
    ASSERT_FALSE(plain.ok()) << message;
    EXPECT_NE(plain.error().message.find(message), std::string::npos)
        << plain.error().message;
  }
}

TEST(SplitLinesTest, EmptyLinesAreLines) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(SplitLines("a\r\n\nb\nc"), (Lines{"a", "", "b", "c"}));
  EXPECT_EQ(SplitLines("\n\n"), (Lines{"", ""}));
  EXPECT_EQ(SplitLines("a\n"), (Lines{"a"}));
  EXPECT_EQ(SplitLines(""), Lines());
}

class LineReaderTest : public testing::Test {
 protected:
  std::vector<std::string> Lines(const std::string& bytes) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(),
                                                               std::fclose);
    std::fwrite(bytes.data(), 1, bytes.size(), file.get());
    std::rewind(file.get());
    LineReader reader(file.get());
    std::vector<std::string> lines;
    while (true) {
      auto line = reader.Next();
      if (!line.ok()) {
        lines.push_back(Format("error: {}", line.error().message));
        return lines;
      }
      if (!*line) return lines;
      lines.push_back(std::move(**line));
    }
  }
};

TEST_F(LineReaderTest, ReadsWhatTheWholeTextHas) {
  const std::string crlf =
      "a\r\nb\xC3\xA4\r\n\r\n\xE2\x82\xAC\xF0\x9F\x98\x80\r\n";
  const std::vector<std::string> expected = SplitLines(kText);
  for (const std::string& bytes :
       {std::string(kText), crlf, "\xEF\xBB\xBF" + crlf,
        WithMark(kCrlfUnits, true), WithMark(kCrlfUnits, false)}) {
    EXPECT_EQ(Lines(bytes), expected);
  }
}

TEST_F(LineReaderTest, ALineFeedInsideAUnitOfUtf16IsNone) {
  EXPECT_EQ(Lines(WithMark(u"\u0A0A\u010A\nx", true)),
            (std::vector<std::string>{"\xE0\xA8\x8A\xC4\x8A", "x"}));
}

TEST_F(LineReaderTest, StartsOfMarksAreText) {
  for (const std::string text : {"\xEF", "\xEF\xBB", "\xFE", "\xEF\xBBz"}) {
    EXPECT_EQ(Lines(text + "\nb"), (std::vector<std::string>{text, "b"}));
  }
  EXPECT_EQ(Lines(""), std::vector<std::string>());
}

TEST_F(LineReaderTest, HalfACharacterIsAnError) {
  const auto lines = Lines(WithMark(u"a\nb", true) + "c");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "a");
  EXPECT_NE(lines[1].find("error: "), std::string::npos);
}

}  // namespace
}  // namespace braid::cli
