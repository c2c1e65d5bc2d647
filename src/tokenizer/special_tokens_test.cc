#include "tokenizer/special_tokens.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "base/random.h"

namespace braid {
namespace {

using Entry = SpecialTokens::Entry;

// "[text]" for a token, plain for the rest.
std::string Show(const std::vector<Fragment>& fragments) {
  std::string shown;
  for (const Fragment& fragment : fragments) {
    if (fragment.token == kNoToken) {
      shown += fragment.text;
    } else {
      shown += '[';
      shown += fragment.text;
      shown += ']';
    }
  }
  return shown;
}

TEST(SpecialTokensTest, CutsTokensOut) {
  const SpecialTokens special(
      std::vector<Entry>{{"<s>", 1}, {"</s>", 2}, {"  ", 3}, {"   ", 4}});
  EXPECT_EQ(Show(special.Split("<s>one</s>two")), "[<s>]one[</s>]two");
  EXPECT_EQ(Show(special.Split("a     b c")), "a[   ][  ]b c");
  EXPECT_EQ(Show(special.Split("< s>/s>")), "< s>/s>");
  EXPECT_TRUE(special.Split("").empty());
}

TEST(SpecialTokensTest, LeftmostThenLongest) {
  const SpecialTokens special(
      std::vector<Entry>{{"ab", 1}, {"bcde", 2}, {"abc", 3}, {"abc", 4}});
  const auto fragments = special.Split("abcde");
  EXPECT_EQ(Show(fragments), "[abc]de");
  EXPECT_EQ(fragments[0].token, 3);  // the first of equal texts
}

TEST(SpecialTokensTest, NoTokens) {
  EXPECT_EQ(Show(SpecialTokens({}).Split("abc")), "abc");
  EXPECT_EQ(Show(SpecialTokens({{"", 1}}).Split("abc")), "abc");
}

// The values are of `tokenizers` 0.23.3: AddedToken(..., lstrip=, rstrip=).
TEST(SpecialTokensTest, TokensTakeWhiteSpaceAlong) {
  constexpr Strip kBoth = Strip{3};
  const SpecialTokens special(std::vector<Entry>{{"<mask>", 1, Strip::kLeft},
                                                 {"<|end|>", 2, Strip::kRight},
                                                 {"<s>", 3},
                                                 {"<both>", 4, kBoth}});
  constexpr std::pair<std::string_view, std::string_view> kCases[] = {
      {"a <mask> b", "a[<mask>] b"},
      {"a  \n\t<mask>", "a[<mask>]"},
      {"<mask>  <mask>", "[<mask>][<mask>]"},
      {"<|end|> \n a", "[<|end|>]a"},
      {"a <|end|>  <mask>b", "a [<|end|>][<mask>]b"},
      {"a <s> b", "a [<s>] b"},
      {"a\u3000\u00A0<mask>\u0085b", "a[<mask>]\u0085b"},
      {"<|end|>\u3000\u0085 b", "[<|end|>]b"},
      {"a\u200B<mask>", "a\u200B[<mask>]"},
      {" <both> ", "[<both>]"},
      {"a <both>  <both> b", "a[<both>][<both>]b"},
      {"  <mask>", "[<mask>]"},
      {"<|end|>  ", "[<|end|>]"},
      {"<|end|> <|end|> <s> <|end|>", "[<|end|>][<|end|>][<s>] [<|end|>]"},
  };
  for (const auto& [text, shown] : kCases) {
    EXPECT_EQ(Show(special.Split(text)), shown) << text;
  }
}

// The same, of tokens that are white space themselves.
TEST(SpecialTokensTest, TokensInTheWhiteSpaceThatAnotherTakes) {
  const auto shown = [](std::string_view white, Strip strip,
                        std::string_view text) {
    return Show(SpecialTokens(std::vector<Entry>{{"<u>", 1, Strip::kRight},
                                                 {white, 2, strip}})
                    .Split(text));
  };
  EXPECT_EQ(shown("\n", Strip::kNone, "<u>\n\nx"), "[<u>][\n][\n]x");
  EXPECT_EQ(shown("\n", Strip::kNone, "<u>  x"), "[<u>]x");
  EXPECT_EQ(shown(" ", Strip::kNone, "<u> \n a"), "[<u>][ ]\n[ ]a");
  EXPECT_EQ(shown("  ", Strip::kNone, "<u>   "), "[<u>][  ] ");
  EXPECT_EQ(shown(" x", Strip::kNone, "<u>  x"), "[<u>][ x]");
  EXPECT_EQ(shown("  ", Strip::kLeft, "<u>  "), "[<u>]");
}

TEST(SpecialTokensTest, NamesTellWhichTokensStrip) {
  TokenizerSpec phi3;
  phi3.name = "Phi-3 Mini 4k Instruct";
  phi3.pre = "default";
  const auto strip = [](const TokenizerSpec& spec, std::string_view text,
                        TokenType type) {
    return StripRules(spec).Of(text, type);
  };
  EXPECT_EQ(strip(phi3, "<|end|>", TokenType::kControl), Strip::kRight);
  EXPECT_EQ(strip(phi3, "<|user|>", TokenType::kUserDefined), Strip::kRight);
  EXPECT_EQ(strip(phi3, "</s>", TokenType::kNormal), Strip::kRight);
  EXPECT_EQ(strip(phi3, "<s>", TokenType::kControl), Strip::kNone);
  EXPECT_EQ(strip(phi3, "<|endoftext|>", TokenType::kControl), Strip::kNone);
  EXPECT_EQ(strip(phi3, "the", TokenType::kNormal), Strip::kNone);

  TokenizerSpec jina;
  jina.pre = "jina-v2-de";
  EXPECT_EQ(strip(jina, "<mask>", TokenType::kControl), Strip::kLeft);
  EXPECT_EQ(strip(jina, "<s>", TokenType::kControl), Strip::kNone);
  TokenizerSpec nomic;
  nomic.architecture = "nomic-bert-moe";
  EXPECT_EQ(strip(nomic, "<mask>", TokenType::kControl), Strip::kLeft);
  TokenizerSpec modern;
  modern.name = "Modern-BERT base";
  EXPECT_EQ(strip(modern, "[MASK]", TokenType::kControl), Strip::kLeft);
  EXPECT_EQ(strip(TokenizerSpec(), "<mask>", TokenType::kControl),
            Strip::kNone);
}

// What the class promises, position by position.
std::string SplitNaively(const std::vector<Entry>& entries,
                         std::string_view text) {
  std::vector<Fragment> fragments;
  size_t plain = 0;
  for (size_t at = 0; at < text.size();) {
    const Entry* best = nullptr;
    for (const Entry& entry : entries) {
      if (text.substr(at).starts_with(entry.text) &&
          (best == nullptr || entry.text.size() > best->text.size())) {
        best = &entry;
      }
    }
    if (best == nullptr) {
      ++at;
      continue;
    }
    if (plain < at) fragments.push_back({text.substr(plain, at - plain)});
    fragments.push_back({text.substr(at, best->text.size()), best->token});
    at = plain = at + best->text.size();
  }
  if (plain < text.size()) fragments.push_back({text.substr(plain)});
  return Show(fragments);
}

std::string RandomString(Random& random, int most) {
  std::string text;
  for (int i = 1 + random.Below(most); i > 0; --i) {
    text.push_back("abc"[random.Below(3)]);
  }
  return text;
}

TEST(SpecialTokensTest, AgreesWithTryingEveryTokenEverywhere) {
  Random random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> texts;
    for (int i = 0; i < 8; ++i) texts.push_back(RandomString(random, 6));
    std::vector<Entry> entries;
    for (int i = 0; i < 8; ++i) entries.push_back({texts[i], i});
    const SpecialTokens special(entries);
    const std::string text = RandomString(random, 60);
    ASSERT_EQ(Show(special.Split(text)), SplitNaively(entries, text));
  }
}

// As `tokenizers` 0.23.3 finds them.
TEST(SpecialTokensTest, WhiteSpaceThatATokenTookAlongMayHoldAnother) {
  const SpecialTokens newline(
      std::vector<Entry>{{.text = "the", .token = 1, .strip = Strip::kRight},
                         {.text = "\n", .token = 2}});
  std::vector<TokenId> found;
  for (const Fragment& fragment : newline.Split("the\n")) {
    found.push_back(fragment.token);
  }
  EXPECT_EQ(found, (std::vector<TokenId>{1, 2}));
  const SpecialTokens both(std::vector<Entry>{
      {.text = " ", .token = 1, .strip = static_cast<Strip>(3)}});
  EXPECT_EQ(both.Split("  ").size(), 1u);
}

TEST(SpecialTokensTest, ASingleWordIsNoPartOfAnother) {
  const SpecialTokens special(
      std::vector<Entry>{{.text = "ell", .token = 1, .single_word = true}});
  EXPECT_EQ(special.Split("hello").size(), 1u);
  EXPECT_EQ(special.Split("hello")[0].token, kNoToken);
  EXPECT_EQ(special.Split("(ell)").size(), 3u);
  EXPECT_EQ(special.Split("(ell)")[1].token, 1);
}

TEST(SpecialTokensTest, HostileTokensCostNoMoreThanOthers) {
  const std::string text(1 << 20, 'a');
  const std::string almost = std::string(1 << 19, 'a') + "b";
  const std::string begun = "b" + std::string(1 << 19, 'a');
  const SpecialTokens special(
      std::vector<Entry>{{"a", 1}, {almost, 2}, {begun, 3}});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(special.Split(text).size(), text.size());
  const std::chrono::duration<double> time =
      std::chrono::steady_clock::now() - start;
  EXPECT_LT(time.count(), 2.0);  // the quadratic way takes minutes
}

}  // namespace
}  // namespace braid
