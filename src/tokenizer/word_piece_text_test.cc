#include "tokenizer/word_piece_text.h"

#include <gtest/gtest.h>

namespace braid {
namespace {

TEST(WordPieceTextTest, BothWays) {
  const struct {
    std::string_view text;
    std::string_view stored;
  } cases[] = {
      {"abc", "\u2581abc"}, {"##xyz", "xyz"}, {"[CLS]", "[CLS]"},
      {"[", "\u2581["},     {"##", ""},       {"", "\u2581"},
      {"#a", "\u2581#a"},   {"[]", "[]"},
  };
  for (const auto& [text, stored] : cases) {
    EXPECT_EQ(MarkedWordPiece(text), stored);
    EXPECT_EQ(UnmarkedWordPiece(stored), text);
  }
}

TEST(WordPieceTextTest, AContinuationInBracketsIsLost) {
  EXPECT_EQ(MarkedWordPiece("##[x]"), "[x]");
  EXPECT_EQ(UnmarkedWordPiece("[x]"), "[x]");
}

}  // namespace
}  // namespace braid
