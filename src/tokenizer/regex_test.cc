#include "tokenizer/regex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

namespace braid {
namespace {

// The matches are those of `tokenizers` 0.23.3, by a Split that removes what
// lies between; it shows none that are empty.
struct Case {
  std::string_view expression;
  std::string_view text;
  std::string_view matches;  // with / between
};
const Case kCases[] = {
    {R"(a|b+)", "abbc", "a/bb"},
    {R"(^b$)", "a\nb\nc", "b"},
    {R"(a.b)", "a\nb axb", "axb"},
    {R"((?m)a.b)", "a\nb axb", "a\nb/axb"},
    {R"((?m:a.)b)", "a\nb", "a\nb"},
    {R"(\h+)", "fgA0x", "f/A0"},
    {R"(\H+)", "fgA0x", "g/x"},
    {R"(\w+)", "e\u0301_1-‿", "e\u0301_1/‿"},
    {R"(\W+)", "e\u0301 -a", " -"},
    {R"([a[bc]d]+)", "abcde", "abcd"},
    {R"(a{,2}b)", "aaab b", "aab/b"},
    {R"(a{2}+)", "aaaaa", "aaaa"},
    {R"(a{1,2}?)", "aaa", "a/a/a"},
    {R"(a{2}?b)", "aab b", "aab/b"},
    {R"(a{2,})", "aaab", "aaa"},
    {R"(a{x})", "a{x}", "a{x}"},
    {R"(a++b)", "aab", "aab"},
    {R"((?<n>a)b|(?'m'c))", "abcb", "ab/c"},
    {R"(a(?#no)b)", "ab", "ab"},
    {R"(\x{e9}\u0062\x63)", "ébc", "ébc"},
    {R"((?i:K)a)", "kaKaKA", "ka/Ka"},
    {R"((?i)ab|c)", "ABcC", "AB/c/C"},
    {R"(a(?i:b)c)", "aBcabC", "aBc"},
    {R"((?>a+)b)", "aab", "aab"},
    {R"((?<=a)b(?!c))", "abcab", "b"},
    {R"((?<!a)b(?=c))", "abcbc", "b"},
    {R"(\bab\b)", "ab abc ab", "ab/ab"},
    {R"(\Bb)", "ab b", "b"},
    {R"(\Aa|a\z)", "aaa", "a/a"},
    {R"(a\Z)", "a\na\n", "a"},
    {R"(\p{Lu}\P{L})", "A1bB ", "A1/B "},
    {R"(\p{^Han})", "京a", "a"},
    {R"([^\s\p{L}]+)", "a1- b", "1-"},
    {R"([\]\-a-c^]+)", "b-]^d", "b-]^"},
    {R"([a\w-])", "-é ", "-/é"},
    {R"(\d+\S\s\D)", "12a b", "12a b"},
    {R"(\t\n\r\f\v\a\e)", "\t\n\r\014\013\007\033", "\t\n\r\014\013\007\033"},
    {R"([\b])", "\010b", "\010"},
    {R"(\.\*\{)", "a.*{", ".*{"},
    {R"(x*)", "axxb", "xx"},
    {R"((a|ab)(c|bcd))", "abcd", "abcd"},
};

std::string MatchesOf(std::string_view expression, std::string_view text) {
  const auto regex = Regex::Make(expression);
  if (!regex.ok()) return regex.error().message;
  std::string joined;
  regex->ForEachMatch(text, [&](size_t begin, size_t end) {
    if (begin == end) return;
    if (!joined.empty()) joined += '/';
    joined += text.substr(begin, end - begin);
  });
  return joined;
}

TEST(RegexTest, FindsWhatTokenizersFinds) {
  for (const auto& [expression, text, matches] : kCases) {
    EXPECT_EQ(MatchesOf(expression, text), matches)
        << expression << " in \"" << text << "\"";
  }
}

TEST(RegexTest, EmptyMatchesAreReported) {
  const auto regex = Regex::Make("x*");
  ASSERT_TRUE(regex.ok());
  std::string found;
  regex->ForEachMatch("a\u00e9xx", [&](size_t begin, size_t end) {
    found += std::to_string(begin) + "-" + std::to_string(end) + " ";
  });
  // Not again where "xx" has ended.
  EXPECT_EQ(found, "0-0 1-1 3-5 ");
}

TEST(RegexTest, BytesThatAreNoUtf8MatchNothing) {
  EXPECT_EQ(MatchesOf("[^b]+",
                      "a\xff"
                      "cb"),
            "a/c");
}

TEST(RegexTest, LongTextsTakeLinearTime) {
  // Half a million matches, behind one byte that is no UTF-8: if each looked at
  // the rest of the text, hours.
  std::string text = "\xff";
  for (int i = 0; i < 250'000; ++i) text += "ab c";
  const auto regex = Regex::Make(R"(\p{L}+| )");
  ASSERT_TRUE(regex.ok());
  size_t matches = 0;
  const auto start = std::chrono::steady_clock::now();
  regex->ForEachMatch(text, [&](size_t, size_t) { ++matches; });
  EXPECT_EQ(matches, 500'001u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST(RegexTest, HardStepsAreThoseOfTheWholeText) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::string(40, 'a') + "c\xff";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(MatchesOf("(a+)+b", text + "b"), "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

TEST(RegexTest, EndlessSearchesEnd) {
  // The first is endless where it begins; the second takes 100,000 steps at
  // each of as many beginnings. The b is there, so that they are run at all,
  // and given up before it.
  const std::string text = std::string(100'000, 'a').append("cb");
  for (const std::string_view expression : {"(a+)+b", "(?:a|a){16}b"}) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(MatchesOf(expression, text), "") << expression;
    // Seconds even under a sanitizer; unbounded it would be for ever.
    EXPECT_LT(std::chrono::steady_clock::now() - start,
              std::chrono::seconds(60))
        << expression;
  }
}

TEST(RegexTest, LongMatchesAreFound) {
  const std::string text(100'000, 'a');
  EXPECT_EQ(MatchesOf("a+", text), text);
  EXPECT_EQ(MatchesOf("(?:a|b)+", text), text);
}

TEST(RegexTest, TooLongExpressionsAreRefused) {
  EXPECT_TRUE(Regex::Make(std::string(20'000, 'a')).ok());
  EXPECT_EQ(MatchesOf(std::string(65'537, 'a'), "a"),
            "a regular expression of 65537 bytes; at most 65536");
  // The other library's limits are errors in its words.
  EXPECT_EQ(MatchesOf("a{70000}", "a"),
            "regular expression \"a{70000}\": number too big in {} quantifier");
}

}  // namespace
}  // namespace braid
