#include "tokenizer/normalize.h"

#include <gtest/gtest.h>
#include <utf8proc.h>

#include <chrono>
#include <cstdlib>
#include <memory>

#include "base/random.h"
#include "tokenizer/utf8.h"

namespace braid {
namespace {

std::string Nfc(std::string_view text) {
  std::string storage;
  return std::string(NormalizeNfc(text, storage));
}

// The whole text at once, by the library.
std::string NfcByLibrary(const std::string& text) {
  utf8proc_uint8_t* result = nullptr;
  const auto size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &result,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  EXPECT_GE(size, 0);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(
      result, std::free);
  return {reinterpret_cast<const char*>(result), static_cast<size_t>(size)};
}

TEST(NormalizeTest, KnownTexts) {
  EXPECT_EQ(Nfc("plain"), "plain");
  EXPECT_EQ(Nfc("e\u0301"), "\u00E9");
  EXPECT_EQ(Nfc("a e\u0301 b"), "a \u00E9 b");
  EXPECT_EQ(Nfc("\u0041\u030A\u212B"), "\u00C5\u00C5");
  EXPECT_EQ(Nfc("\u1112\u1161\u11AB"), "\uD55C");
  EXPECT_EQ(Nfc("q\u0307\u0323"), "q\u0323\u0307");
  EXPECT_EQ(Nfc("\uFA0E\uF900"), "\uFA0E\u8C48");
}

TEST(NormalizeTest, NormalTextIsNotCopied) {
  const std::string text = "na\u00EFve \u65E5\u672C";
  std::string storage;
  EXPECT_EQ(NormalizeNfc(text, storage).data(), text.data());
}

TEST(NormalizeTest, InvalidBytesStayAndSeparate) {
  EXPECT_EQ(Nfc("\xFF"), "\xFF");
  EXPECT_EQ(Nfc("e\xFF\u0301"), "e\xFF\u0301");
  EXPECT_EQ(Nfc("\xE2\x82 e\u0301\xC3"), "\xE2\x82 \u00E9\xC3");
}

TEST(NormalizeTest, PiecewiseEqualsWhole) {
  Random random(11);
  const auto pick = [&](int first, int last) {
    return static_cast<uint32_t>(first + random.Below(last - first));
  };
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (int i = random.Below(12); i >= 0; --i) {
      switch (random.Below(7)) {
        case 0:
          AppendUtf8(pick('a', 'z'), text);
          break;
        case 1:
          AppendUtf8(pick(0x300, 0x370), text);
          break;
        case 2:
          AppendUtf8(pick(0xC0, 0x250), text);
          break;
        case 3:
          AppendUtf8(pick(0x1100, 0x1200), text);
          break;
        case 4:
          AppendUtf8(pick(0xAC00, 0xAC40), text);
          break;
        case 5:
          AppendUtf8(pick(0x900, 0xE00), text);
          break;
        case 6:
          AppendUtf8(pick(0x1E00, 0x2000), text);
          break;
      }
    }
    ASSERT_EQ(Nfc(text), NfcByLibrary(text)) << testing::PrintToString(text);
  }
}

TEST(NormalizeTest, LongRunsOfMarksAreNotQuadratic) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "\u0301\u0316";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Nfc(text).size(), text.size());
  const std::chrono::duration<double> time =
      std::chrono::steady_clock::now() - start;
  EXPECT_LT(time.count(), 5.0);  // the quadratic way takes minutes
}

}  // namespace
}  // namespace braid
