#include "tokenizer/regex_syntax.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace braid {
namespace {

std::string Translated(std::string_view expression) {
  const auto translated = TranslateRegex(expression);
  return translated.ok() ? *translated : translated.error().message;
}

// regex_test.cc runs what comes out; this is for what its matches do not show.
TEST(RegexSyntaxTest, Translates) {
  const struct {
    std::string_view expression;
    std::string_view translated;
  } cases[] = {
      {"", ""},
      {"^a$", "(?m:^)a(?m:$)"},
      {"(a)", "(?:a)"},
      {"(?<name>a)", "(?:a)"},
      {"(?'n'a)", "(?:a)"},
      {"(?m)a", "(?s:a)"},
      {"(?i-m:a)b", "(?i-s:a)b"},
      {"(?i)a|b", "(?i:a|b)"},
      {"((?i)a|b)c", "(?:(?i:a|b))c"},
      {"a{,3}", "a{0,3}"},
      {"a{2}+", "(?:a{2})+"},
      {"a{2,3}+", "(?:a{2,3})+"},
      {"a{2}?", "(?:a{2})?"},
      {"a{2,3}?", "a{2,3}?"},
      {"a{", "a\\{"},
      {"a{,}", "a\\{\\,\\}"},
      {"\\h", "[0-9a-fA-F]"},
      {"\\w",
       "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"
       "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}]"},
      {"[^\\w]", "[^\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]"},
      {"\\s[^\\S]", "\\p{White_Space}[^\\P{White_Space}]"},
      {"[[a]b]", "[ab]"},
      {"a(?#b)c", "ac"},
      {"\\/", "\\/"},
  };
  for (const auto& [expression, translated] : cases) {
    EXPECT_EQ(Translated(expression), translated) << expression;
  }
}

TEST(RegexSyntaxTest, RefusesByName) {
  const struct {
    std::string_view expression;
    std::string_view what;
  } cases[] = {
      {"a&&[b&&c]", "an intersection of classes, at byte 3"},
      {"[a[^b]]", "a negated class in a class, at byte 0"},
      {"[[:alpha:]]", "POSIX brackets, at byte 0"},
      {"[]", "an empty class"},
      {"[^]", "an empty class"},
      {"[a[]]", "an empty class"},
      {"[a", "a class is not closed"},
      {"[\\W]", "\\W is not supported"},
      {"[\\H]", "\\H is not supported"},
      {"[z-a]", "a range without an end"},
      {"[\\d-z]", "a - between classes"},
      {"[a-[b]]", "a - between classes"},
      {"(a)\\1", "\\1 is not supported, at byte 3"},
      {"\\k<n>", "\\k is not supported"},
      {"\\g<n>", "\\g is not supported"},
      {"\\Ga", "\\G is not supported"},
      {"a\\Kb", "\\K is not supported"},
      {"\\R", "\\R is not supported"},
      {"\\X", "\\X is not supported"},
      {"\\", "a \\ at the end"},
      {"(?(1)a|b)", "a group or option of an unknown kind"},
      {"(?~a)", "a group or option of an unknown kind"},
      {"(?x)a", "a group or option of an unknown kind"},
      {"(?P<n>a)", "a group or option of an unknown kind"},
      {"(?<>a)", "a group of an unknown kind"},
      {"a(?i)b", "options in the middle of a group, at byte 1"},
      {"(?#a", "a comment is not closed"},
      {"(a", "a group is not closed"},
      {"a)", "a ) without its (, at byte 1"},
      {"*a", "nothing to repeat, at byte 0"},
      {"(?=a)*", "nothing to repeat"},
      {"^{2}", "nothing to repeat"},
      {"a**", "a quantifier on a quantifier"},
      {"a+{2}", "a quantifier on a quantifier"},
      {"a{2}{3}", "a quantifier on a quantifier"},
      {"a{2}*", "a quantifier on a quantifier"},
      {"\\p{Greekish}", "the property \"Greekish\" is not supported"},
      {"\\pL", "\\p without {"},
      {"\\p{L", "the property \"\" is not supported"},
      {"\\x{110000}", "a number that is no character"},
      {"\\ud800", "a number that is no character"},
      {"\\xe9", "a number that is no character"},
      {"\\x{}", "a number that is no character"},
      {"(?i)\u00e9", "a character outside ASCII without regard to case"},
      {"(?i)[\u00e9]", "a character outside ASCII without regard to case"},
      {"(?i)sS", "letters that fold to one without regard to case"},
      {"(?i)\\p{Lu}", "a property of case without regard to case"},
      {"a\xff", "bytes that are no UTF-8, at byte 1"},
      {"[\xff]", "bytes that are no UTF-8"},
  };
  for (const auto& [expression, what] : cases) {
    const auto translated = TranslateRegex(expression);
    ASSERT_FALSE(translated.ok()) << expression << " is " << *translated;
    const std::string& message = translated.error().message;
    EXPECT_TRUE(message.starts_with("regular expression \"")) << message;
    EXPECT_NE(message.find(what), message.npos)
        << expression << ": " << message;
  }
}

TEST(RegexSyntaxTest, KnowsWhatMayMatchNothing) {
  for (const std::string_view expression :
       {"",       "a?",       "a*",      "a*?",          "a{0,2}",
        "a{,2}",  "a{2}?",    "(a|b?)",  "(a?)+",        "a|",
        "|a",     "^",        "a?$",     "\\b",          "(?=a)",
        "(?<!a)", "(?i)a?",   "(?i:a?)", "(a|(b|c*)|d)", "[a]?[^b]*",
        "(ab)?",  "(a)*\\s?", "a?(?#b)"}) {
    const auto may = MayMatchNothing(expression);
    EXPECT_TRUE(may.ok() && *may) << expression;
  }
  for (const std::string_view expression :
       {"a",       "a+",       "a+?",       "a{1,2}",   "a{2}",   "a{2}+",
        "a{1,2}?", "(a|b)",    "a?b",       "ab?",      "(a?)b",  "^a",
        "a$",      "(?=a)\\w", "(?i)a",     "(a|b)+c*", "(ab?)+", "[a]",
        ".",       "\\s*\\S",  "a?(b|c)d?", "a|b",      "{"}) {
    const auto may = MayMatchNothing(expression);
    EXPECT_TRUE(may.ok() && !*may) << expression;
  }
  EXPECT_FALSE(MayMatchNothing("(a").ok());
}

TEST(RegexSyntaxTest, DepthIsBounded) {
  const auto nested = [](size_t depth, char open, char close) {
    return std::string(depth, open) + "a" + std::string(depth, close);
  };
  EXPECT_TRUE(TranslateRegex(nested(63, '(', ')')).ok());
  EXPECT_NE(Translated(nested(64, '(', ')')).find("groups nested too deeply"),
            std::string::npos);
  EXPECT_TRUE(TranslateRegex(nested(64, '[', ']')).ok());
  EXPECT_NE(Translated(nested(65, '[', ']')).find("classes nested too deeply"),
            std::string::npos);
}

}  // namespace
}  // namespace braid
