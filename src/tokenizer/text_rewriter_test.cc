#include "tokenizer/text_rewriter.h"

#include <gtest/gtest.h>

#include <optional>

namespace braid {
namespace {

TokenizerSpec SmallSpec() {
  TokenizerSpec spec;
  spec.tokens = {"<unk>", "\u2581", "a", " b", "<0x0A>"};
  spec.types = {2, 1, 1, 4, 6};
  spec.sentencepiece.symbols = {3};
  spec.sentencepiece.symbol_texts = {"\u2581b"};
  return spec;
}

std::string Rewritten(const TokenizerSpec& spec, std::string_view text,
                      const TextRewriter::Defaults& defaults = {}) {
  const auto vocabulary = Vocabulary::Make(spec);
  EXPECT_TRUE(vocabulary.ok());
  const auto rewriter = TextRewriter::Make(spec, *vocabulary, defaults);
  EXPECT_TRUE(rewriter.ok());
  std::string out = "what was there";
  rewriter->Rewrite(text, out);
  return out;
}

TEST(TextRewriterTest, SqueezesAndAddsASpace) {
  TokenizerSpec spec = SmallSpec();
  EXPECT_EQ(Rewritten(spec, "  a   a "), "\u2581a\u2581a");
  EXPECT_EQ(Rewritten(spec, ""), "");
  EXPECT_EQ(Rewritten(spec, "   "), "");
  // Only spaces are white space, and marks of the text's own are no spaces,
  // but at the end.
  EXPECT_EQ(Rewritten(spec, "\t a\u2581 a \u2581"),
            "\u2581\t\u2581a\u2581\u2581a");
  spec.sentencepiece.space_is_suffix = true;
  EXPECT_EQ(Rewritten(spec, " a a "), "a\u2581a\u2581");
  EXPECT_EQ(Rewritten(spec, "   "), "");
  spec.add_space_prefix = false;
  EXPECT_EQ(Rewritten(spec, " a "), "a");
}

TEST(TextRewriterTest, LeavesSpacesWhereTheyAre) {
  TokenizerSpec spec = SmallSpec();
  spec.remove_extra_whitespaces = false;
  EXPECT_EQ(Rewritten(spec, " a "), "\u2581\u2581a\u2581");
  EXPECT_EQ(Rewritten(spec, "  "), "\u2581\u2581\u2581");
  spec.sentencepiece.escapes_spaces = false;
  EXPECT_EQ(Rewritten(spec, "a "), " a ");
}

TEST(TextRewriterTest, BrokenBytesAreReplacedOrStay) {
  EXPECT_EQ(Rewritten(SmallSpec(), "\xFF\xE2"), "\u2581\uFFFD\uFFFD");
  EXPECT_EQ(Rewritten(SmallSpec(), "\xFF", {.replaces_broken = false}),
            "\u2581\xFF");
}

TEST(TextRewriterTest, FindsUserDefinedPieces) {
  const TokenizerSpec spec = SmallSpec();
  const auto vocabulary = Vocabulary::Make(spec);
  ASSERT_TRUE(vocabulary.ok());
  const auto rewriter = TextRewriter::Make(spec, *vocabulary, {});
  ASSERT_TRUE(rewriter.ok());
  EXPECT_EQ(rewriter->Symbol("\u2581ba").token, 3);
  EXPECT_EQ(rewriter->Symbol("\u2581ba").length, 4u);
  EXPECT_EQ(rewriter->Symbol(" b").length, 0u);
}

// The text that is left, and whether the next token is looked at too.
using Trimmed = std::pair<std::string, bool>;

Trimmed TrimmedStart(const TokenizerSpec& spec, TokenId token,
                     std::string text) {
  const auto vocabulary = Vocabulary::Make(spec);
  EXPECT_TRUE(vocabulary.ok());
  const auto rewriter = TextRewriter::Make(spec, *vocabulary, {});
  EXPECT_TRUE(rewriter.ok());
  const bool goes_on = rewriter->TrimStart(*vocabulary, token, text);
  return {text, goes_on};
}

TEST(TextRewriterTest, TakesOffTheSpaceOfTheStart) {
  const auto trim = [](TokenId token, std::string text) {
    return TrimmedStart(SmallSpec(), token, std::move(text));
  };
  EXPECT_EQ(trim(2, " a"), Trimmed("a", false));
  EXPECT_EQ(trim(2, "a"), Trimmed("a", false));
  // Nothing is left of a text of one space: the next token begins the text.
  EXPECT_EQ(trim(1, " "), Trimmed("", true));
  EXPECT_EQ(trim(4, " "), Trimmed(" ", false));
}

// Where spaces are not escaped, only marks are taken off, of a user-defined
// piece too.
TEST(TextRewriterTest, SpacesThatAreNotEscapedStay) {
  TokenizerSpec spec = SmallSpec();
  spec.sentencepiece.escapes_spaces = false;
  EXPECT_EQ(TrimmedStart(spec, 2, " a"), Trimmed(" a", false));
  EXPECT_EQ(TrimmedStart(spec, 1, " "), Trimmed("", true));
  EXPECT_EQ(TrimmedStart(spec, 3, " b"), Trimmed("b", false));
  // A file may have stored the mark itself.
  EXPECT_EQ(TrimmedStart(spec, 3, "\u2581b"), Trimmed("\u2581b", false));
}

TEST(TextRewriterTest, RulesForTokensThatAreNoneAreRefused) {
  TokenizerSpec spec = SmallSpec();
  spec.sentencepiece.symbols = {5};
  auto vocabulary = Vocabulary::Make(spec);
  ASSERT_FALSE(vocabulary.ok());
  EXPECT_EQ(vocabulary.error().message,
            "braid.tokenizer.sentencepiece.user_defined[0]: 5 is no token "
            "(0 to 4)");
  spec.sentencepiece.symbols = {3, 2};
  vocabulary = Vocabulary::Make(spec);
  ASSERT_FALSE(vocabulary.ok());
  EXPECT_EQ(vocabulary.error().message,
            "braid.tokenizer.sentencepiece.user_defined_pieces: 1 texts for 2 "
            "tokens");
}

}  // namespace
}  // namespace braid
