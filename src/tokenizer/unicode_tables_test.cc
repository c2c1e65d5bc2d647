#include "tokenizer/unicode_tables.h"

#include <gtest/gtest.h>
#include <utf8proc.h>

#include "tokenizer/pcre2_for_test.h"
#include "tokenizer/utf8.h"

namespace braid {
namespace {

TEST(UnicodeTablesTest, AgreesWithPcre2) {
  // Both are Unicode 14. \s is written out: PCRE2's has U+180E, which lost
  // White_Space in Unicode 6.3.
  const struct {
    CharClass bit;
    Pattern pattern;
  } classes[] = {
      {kLetter, Pattern("\\p{L}")},
      {kNumber, Pattern("\\p{N}")},
      {kMark, Pattern("\\p{M}")},
      {kPunctuation, Pattern("\\p{P}")},
      {kSymbol, Pattern("\\p{S}")},
      {kSpace, Pattern("[\\p{Z}\\t-\\r\\x{85}]")},
      {kUpperCase, Pattern("[\\p{Lu}\\p{Lt}]")},
      {kLowerCase, Pattern("\\p{Ll}")},
      {kControl, Pattern("[\\p{Cc}\\p{Cf}]")},
  };
  for (const auto& [bit, pattern] : classes) {
    int differences = 0;
    std::string text;
    for (uint32_t code_point = 0; code_point < 0x110000; ++code_point) {
      if (code_point >= 0xD800 && code_point < 0xE000) continue;
      text.clear();
      AppendUtf8(code_point, text);
      const bool ours = (ClassOf(code_point) & bit) != 0;
      differences += ours == pattern.Matches(text) ? 0 : 1;
    }
    EXPECT_EQ(differences, 0) << "bit " << bit;
  }
}

TEST(UnicodeTablesTest, NfcUnsafeCoversWhatNfcChanges) {
  for (uint32_t code_point = 0; code_point < 0x110000; ++code_point) {
    const utf8proc_property_t* property =
        utf8proc_get_property(static_cast<int32_t>(code_point));
    if (property->category == UTF8PROC_CATEGORY_CN) continue;
    // utf8proc is Unicode 15: what 14 has not assigned is outside our table.
    if (ClassOf(code_point) == 0) continue;
    if (property->combining_class != 0) {
      EXPECT_TRUE(ClassOf(code_point) & kNfcUnsafe) << code_point;
    }
  }
  EXPECT_TRUE(ClassOf(0x0301) & kNfcUnsafe);
  EXPECT_TRUE(ClassOf(0x212B) & kNfcUnsafe);  // becomes U+00C5
  EXPECT_TRUE(ClassOf(0x11A8) & kNfcUnsafe);  // melts into a syllable
  EXPECT_TRUE(ClassOf(0x09BE) & kNfcUnsafe);  // class 0, yet it composes
  EXPECT_FALSE(ClassOf(0x00E9) & kNfcUnsafe);
  EXPECT_FALSE(ClassOf(0xAC00) & kNfcUnsafe);
}

}  // namespace
}  // namespace braid
