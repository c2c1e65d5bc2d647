#include "tokenizer/known_expressions.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tokenizer/regex.h"

namespace braid {
namespace {

// What the splitter cuts, with / between.
std::string ByRule(SplitRule rule, std::string_view text) {
  std::string joined;
  SplitIntoPieces(rule, text, [&](std::string_view piece) {
    joined.append(piece).append("/");
  });
  return joined;
}

// The same by the expression itself: matches, and what lies between.
std::string ByExpression(std::string_view expression, std::string_view text) {
  const auto regex = Regex::Make(expression);
  if (!regex.ok()) return regex.error().message;
  std::string joined;
  size_t end_before = 0;
  const auto add = [&](size_t begin, size_t end) {
    if (begin < end) joined.append(text.substr(begin, end - begin)).append("/");
  };
  regex->ForEachMatch(text, [&](size_t begin, size_t end) {
    add(end_before, begin);
    add(begin, end);
    end_before = end;
  });
  add(end_before, text.size());
  return joined;
}

TEST(KnownExpressionsTest, SplittersCutAsTheirExpressionsDo) {
  constexpr std::string_view kTexts[] = {
      "It's I'LL we'Re 12345 \u00bd\u0663 x2y",
      "  two  spaces \n\n\r\n tabs\t\tend  ",
      "(a+b)=$5.00!!\n/x//\nCamelCaseWord HTTPServer \u00c9t\u00e9",
      "e\u0301 \u4eac\u90fd\u3067\u3059 \u0e20\u0e32\u0e29 a\u200db",
      "a\u2026b\u3002c, d.e!f?",
  };
  const std::string_view all[] = {expressions::kLlama3, expressions::kQwen2,
                                  expressions::kQwen35, expressions::kGpt4o,
                                  expressions::kTekken, expressions::kSeedCoder,
                                  expressions::kBloom};
  for (const std::string_view expression : all) {
    const auto rule = FindKnownExpression(expression);
    ASSERT_TRUE(rule.has_value()) << expression;
    for (const std::string_view text : kTexts) {
      EXPECT_EQ(ByRule(*rule, text), ByExpression(expression, text))
          << expression;
    }
  }
}

TEST(KnownExpressionsTest, LinesMayBeCharactersOrEscapes) {
  EXPECT_EQ(EscapedLines("[\r\n]\\n"), "[\\r\\n]\\n");
  const std::string_view escaped = expressions::kLlama3;
  std::string with_characters;
  for (size_t i = 0; i < escaped.size(); ++i) {
    const bool is_line = escaped.substr(i).starts_with("\\n");
    with_characters += is_line ? '\n' : escaped[i];
    if (is_line) ++i;
  }
  EXPECT_EQ(FindKnownExpression(with_characters), SplitRule::kLlama3);
}

TEST(KnownExpressionsTest, OthersAreNotKnown) {
  EXPECT_FALSE(FindKnownExpression("").has_value());
  EXPECT_FALSE(FindKnownExpression(R"(\p{N})").has_value());
  EXPECT_FALSE(FindKnownExpression(expressions::kQwen2.substr(1)).has_value());
}

}  // namespace
}  // namespace braid
