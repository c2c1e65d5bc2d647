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

// \s?[CASED]+
constexpr std::string_view kCasedExpression =
    R"(\s?[)"
    R"(\x{41}-\x{5A}\x{61}-\x{7A}\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6})"
    R"(\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF})"
    R"(\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386})"
    R"(\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481})"
    R"(\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5})"
    R"(\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B})"
    R"(\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D})"
    R"(\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B})"
    R"(\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE})"
    R"(\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB})"
    R"(\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107})"
    R"(\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128})"
    R"(\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F})"
    R"(\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B})"
    R"(\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D})"
    R"(\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E})"
    R"(\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A})"
    R"(\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3})"
    R"(\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2})"
    R"(\x{118A0}-\x{118DF}\x{1E900}-\x{1E943})"
    R"(]+)";

#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
#define UPPER R"(\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M})"
#define LOWER R"(\p{Ll}\p{Lm}\p{Lo}\p{M})"
#define LEAD R"([^\r\n\p{L}\p{N}]?)"

constexpr std::string_view kGpt4oExpression =
    LEAD "[" UPPER "]*[" LOWER "]+" CONTRACTION "?|" LEAD "[" UPPER "]+[" LOWER
         "]*" CONTRACTION
         "?|"
         R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" SPACES;
constexpr std::string_view kTekkenExpression =
    LEAD "[" UPPER "]*[" LOWER "]+|" LEAD "[" UPPER "]+[" LOWER
         "]*|"
         R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" SPACES;
// \p{Han} is a script; PCRE2 would take in the extensions of scripts.
constexpr std::string_view kKimiK2Expression =
    R"(\p{sc:Han}+|)" LEAD "((?!\\p{sc:Han})[" UPPER
    "])*((?!\\p{sc:Han})[" LOWER "])+" CONTRACTION "?|" LEAD
    "((?!\\p{sc:Han})[" UPPER "])+((?!\\p{sc:Han})[" LOWER "])*" CONTRACTION
    "?|"
    R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)" SPACES;
constexpr std::string_view kQwen35Expression =
    CONTRACTION R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|)"
                R"( ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" SPACES;
constexpr std::string_view kSeedCoderExpression =
    CONTRACTION R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
                R"( ?[^\s\p{L}\p{N}\r\n]+|)" SPACES;
constexpr std::string_view kDeepseekV3Expression =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|)"
    R"([^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)" SPACES;
constexpr std::string_view kEastAsianExpression =
    R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)";
constexpr std::string_view kBloomExpression =
    R"( ?[^(\s|.,!?\x{2026}\x{3002}\x{FF0C}\x{3001}\x{964}\x{6D4}\x{60C})]+)";
// \b behind a digit, with the word characters of Oniguruma.
constexpr std::string_view kTinyAyaExpression =
    R"(\p{Nd}{1,3}(?=(?:\p{Nd}{3})*(?![\p{L}\p{M}\p{Nd}\p{Pc}])))";

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
    {SplitRule::kFalcon,
     "falcon",
     {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2Expression, R"([0-9][0-9][0-9])"}},
    {SplitRule::kLlama3, "llama-3", {kLlama3Expression}},
    {SplitRule::kQwen2, "qwen2", {kQwen2Expression}},
    {SplitRule::kQwen35, "qwen35", {kQwen35Expression}},
    {SplitRule::kSeedCoder, "seed-coder", {kSeedCoderExpression}},
    {SplitRule::kGpt4o, "gpt-4o", {kGpt4oExpression}},
    {SplitRule::kTekken, "tekken", {kTekkenExpression}},
    {SplitRule::kKimiK2, "kimi-k2", {kKimiK2Expression}},
    {SplitRule::kTinyAya, "tiny_aya", {kTinyAyaExpression, kGpt4oExpression}},
    {SplitRule::kDeepseekLlm,
     "deepseek-llm",
     {R"([\r\n])", kCasedExpression,
      R"(\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F})"
      R"(\x{3000}-\x{3002}]+)",
      R"(\s+\z)", kEastAsianExpression, R"(\p{N}+)"}},
    {SplitRule::kDeepseekCoder,
     "deepseek-coder",
     {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kEastAsianExpression,
      R"(\p{N})"}},
    {SplitRule::kDeepseekV3,
     "deepseek-v3",
     {R"(\p{N}{1,3})",
      R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)",
      kDeepseekV3Expression}},
    {SplitRule::kBloom, "bloom", {kBloomExpression}},
    {SplitRule::kViking, "viking", {kBloomExpression, R"(\p{N})"}},
    // The expression behind \p{N}+ matches nothing, between characters; this
    // one matches what lies between two such places.
    {SplitRule::kSuperBpe,
     "superbpe",
     {R"(\p{N}+)", R"((?s).+?(?=(?:\p{Nd}{3})+(?!\p{Nd})|\z))"}},
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
    case 12:
      return of("abAB'sSmM/_- \n(\"");
    case 13:
      return between(0x3000, 0x3100);
    case 14:
      return between(0x4E00, 0x4F00);
    case 15:
      return between(0xAC00, 0xAD00);
    case 16:
      return between(0x660, 0x66A);
    case 17:
      return between(0xFF00, 0xFF60);
    default:
      return std::string(1, kInvalidByte);
  }
}

std::string RandomText(Random& random) {
  constexpr int kAlphabets = 19;
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
    constexpr int kTexts = 20000;
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
      while (text.size() < (1 << 18)) text += unit;
      const auto start = std::chrono::steady_clock::now();
      size_t bytes = 0;
      SplitIntoPieces(rule.rule, text,
                      [&](std::string_view piece) { bytes += piece.size(); });
      const std::chrono::duration<double> time =
          std::chrono::steady_clock::now() - start;
      EXPECT_EQ(bytes, text.size());
      // Quadratic time would be a minute; a busy machine and a sanitizer make
      // a tenth of a second of linear time ten times longer.
      EXPECT_LT(time.count(), 20.0) << rule.name;
    }
  }
}

}  // namespace
}  // namespace braid
