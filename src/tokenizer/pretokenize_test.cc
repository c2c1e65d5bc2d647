#include "tokenizer/pretokenize.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "base/random.h"
#include "tokenizer/pcre2_for_test.h"
#include "tokenizer/utf8.h"

namespace braid {
namespace {

constexpr std::string_view kGpt2Expression =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S))";
constexpr std::string_view kLlama3Expression =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Expression =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct RuleCase {
  SplitRule rule;
  const char* name;
  std::vector<std::string_view> expressions;
};

const RuleCase kRules[] = {
    {SplitRule::kGpt2, "gpt-2", {kGpt2Expression}},
    {SplitRule::kDigitsGpt2, "smollm", {R"(\p{N})", kGpt2Expression}},
    {SplitRule::kDefault,
     "default",
     {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2Expression, R"(\p{N}+)",
      R"([0-9][0-9][0-9])"}},
    {SplitRule::kLlama3, "llama-3", {kLlama3Expression}},
    {SplitRule::kQwen2, "qwen2", {kQwen2Expression}},
};

std::vector<std::string> Split(SplitRule rule, std::string_view text) {
  std::vector<std::string> pieces;
  SplitIntoPieces(rule, text,
                  [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

std::vector<std::string> SplitByPatterns(const std::vector<Pattern>& patterns,
                                         const std::string& text) {
  std::vector<std::string> pieces = {text};
  for (const Pattern& pattern : patterns) {
    std::vector<std::string> finer;
    for (const std::string& piece : pieces) pattern.Split(piece, finer);
    pieces = std::move(finer);
  }
  return pieces;
}

// A byte that is no UTF-8 counts as U+FFFD: written that way, our pieces are
// comparable with those of a text that has U+FFFD.
constexpr char kInvalidByte = '\xFF';

void ReplaceInvalid(std::string& text) {
  for (size_t at = text.find(kInvalidByte); at != std::string::npos;
       at = text.find(kInvalidByte, at)) {
    text.replace(at, 1, "\uFFFD");
  }
}

// Characters between which the expressions decide; \s in PCRE2 has U+180E,
// which is no white space since Unicode 6.3, so it is left out.
std::string RandomCharacter(Random& random, int alphabet) {
  const auto of = [&](std::string_view characters) {
    return std::string(1, characters[static_cast<size_t>(random.Below(
                              static_cast<int>(characters.size())))]);
  };
  const auto between = [&](int first, int last) {
    std::string text;
    AppendUtf8(static_cast<uint32_t>(first + random.Below(last - first)), text);
    return text;
  };
  static constexpr uint32_t kSpaces[] = {0x85,   0xA0,   0x1680, 0x2003, 0x2028,
                                         0x2029, 0x202F, 0x205F, 0x3000, 0x0B,
                                         0x0C,   ' ',    '\n',   '\r',   '\t'};
  static constexpr uint32_t kOdd[] = {0x17F,  0x212A, 0x130, 0x2160, 0xB2,
                                      0x660,  0x1C5,  0x2B0, 0x5D0,  0x200D,
                                      0xFE0F, 0xAD,   0x1C,  0x1F,   0x0};
  std::string text;
  switch (alphabet) {
    case 0:
      return of("ab AB12 '.\n");
    case 1:
      return of("'sStTrReEvVmMlLdD ");
    case 2:
      return of(" \n\r\ta1.");
    case 3:
      AppendUtf8(kSpaces[random.Below(15)], text);
      return text;
    case 4:
      AppendUtf8(kOdd[random.Below(15)], text);
      return text;
    case 5:
      return between(0x300, 0x370);
    case 6:
      return between(0x20, 0x800);
    case 7:
      return between(0x900, 0x1100);
    case 8:
      return between(0x2010, 0x3400);
    case 9:
      return between(0x1F300, 0x1FB00);
    case 10:
      return between(0x10000, 0x12000);
    case 11:
      return of("0123456789$+<=>^~|");
    default:
      return std::string(1, kInvalidByte);
  }
}

std::string RandomText(Random& random) {
  constexpr int kAlphabets = 13;
  const int first = random.Below(kAlphabets);
  const int second = random.Below(kAlphabets);
  std::string text;
  for (int i = 1 + random.Below(25); i > 0; --i) {
    const int alphabet = random.Below(5) == 0
                             ? random.Below(kAlphabets)
                             : (random.Below(2) == 0 ? first : second);
    const std::string character = RandomCharacter(random, alphabet);
    const int repeats = random.Below(10) == 0 ? random.Below(20) : 1;
    for (int j = 0; j < repeats; ++j) text += character;
  }
  return text;
}

TEST(PretokenizeTest, AgreesWithTheExpressions) {
  for (const RuleCase& rule : kRules) {
    std::vector<Pattern> patterns;
    for (const std::string_view expression : rule.expressions) {
      patterns.emplace_back(expression);
    }
    Random random(13);
    constexpr int kTexts = 30000;
    int failures = 0;
    for (int i = 0; i < kTexts; ++i) {
      std::string text = RandomText(random);
      std::vector<std::string> pieces = Split(rule.rule, text);
      for (std::string& piece : pieces) ReplaceInvalid(piece);
      ReplaceInvalid(text);
      const bool same = pieces == SplitByPatterns(patterns, text);
      failures += same ? 0 : 1;
      if (failures <= 3) {
        EXPECT_TRUE(same) << rule.name << ": " << testing::PrintToString(text)
                          << testing::PrintToString(pieces);
      }
    }
    EXPECT_EQ(failures, 0);
    std::printf("%s: %d texts against PCRE2, %d failures\n", rule.name, kTexts,
                failures);
  }
}

TEST(PretokenizeTest, KnownSplits) {
  using Pieces = std::vector<std::string>;
  EXPECT_EQ(Split(SplitRule::kGpt2, "I'll  be\n\n back 42x"),
            (Pieces{"I", "'ll", " ", " be", "\n\n", " back", " 42", "x"}));
  EXPECT_EQ(Split(SplitRule::kDigitsGpt2, "a 42"),
            (Pieces{"a", " ", "4", "2"}));
  EXPECT_EQ(Split(SplitRule::kLlama3, "I'LL  be\n\n back 12345!\n\n"),
            (Pieces{"I", "'LL", " ", " be", "\n\n", " back", " ", "123", "45",
                    "!\n\n"}));
  EXPECT_EQ(Split(SplitRule::kQwen2, "x12"), (Pieces{"x", "1", "2"}));
  EXPECT_EQ(Split(SplitRule::kGpt2, ""), Pieces{});
}

TEST(PretokenizeTest, LongRunsTakeLinearTime) {
  for (const RuleCase& rule : kRules) {
    for (const char* unit : {"a", " ", "\n", "7", ".", "'", " \n", "\u0301",
                             "\u3000", "\xFF", " \u3000a"}) {
      std::string text;
      while (text.size() < (1 << 20)) text += unit;
      const auto start = std::chrono::steady_clock::now();
      size_t bytes = 0;
      SplitIntoPieces(rule.rule, text,
                      [&](std::string_view piece) { bytes += piece.size(); });
      const std::chrono::duration<double> time =
          std::chrono::steady_clock::now() - start;
      EXPECT_EQ(bytes, text.size());
      EXPECT_LT(time.count(), 2.0) << rule.name;  // quadratic: minutes
    }
  }
}

}  // namespace
}  // namespace braid
