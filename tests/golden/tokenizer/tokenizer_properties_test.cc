// What holds for every text, checked on whole vocabularies: nothing is lost,
// streaming equals one shot, and no text is slow.
#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>
#include <functional>

#include "base/random.h"
#include "tests/golden/tokenizer/vocabularies.h"
#include "tokenizer/normalize.h"

namespace braid {
namespace {

constexpr EncodeOptions kPlain = {.add_special = false, .parse_special = false};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    !defined(NDEBUG)
constexpr bool kOptimized = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kOptimized = false;
#else
constexpr bool kOptimized = true;
#endif
#else
constexpr bool kOptimized = true;
#endif

// Processor time, so that what else the machine does counts little.
double Seconds(const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// Words, digits, scripts, emoji, white space and marks; if asked for, also
// bytes that are no UTF-8.
std::string RandomText(Random& random, bool any_bytes) {
  static constexpr std::string_view kParts[] = {"the",
                                                "Hello",
                                                " ",
                                                "  ",
                                                "\n",
                                                "\r\n",
                                                "\t",
                                                "'s",
                                                "'LL",
                                                "123",
                                                "4",
                                                "\u00E9",
                                                "\u00FC\u00DF",
                                                "\u0416\u0443\u043A",
                                                "\u4F60\u597D",
                                                "\u3042",
                                                "\uD55C\uAE00",
                                                "\u0645\u0631",
                                                "\U0001F600",
                                                "\U0001F468\u200D\U0001F469",
                                                "\u00A0",
                                                "\u3000",
                                                "\u2003",
                                                "\u0301",
                                                "\u0C4D",
                                                "...",
                                                "!?",
                                                "_",
                                                "<|",
                                                "</s>",
                                                "\xFF",
                                                "\xE2\x82",
                                                "\x80"};
  constexpr int kInvalid = 3;  // the last ones
  std::string text;
  const int parts = random.Below(40);
  for (int i = 0; i < parts; ++i) {
    const int count = static_cast<int>(std::size(kParts));
    text += kParts[random.Below(any_bytes ? count : count - kInvalid)];
  }
  return text;
}

class TokenizerPropertiesTest : public testing::TestWithParam<TestVocabulary> {
 protected:
  void SetUp() override {
    if (!DataExists(GetParam().path)) {
      GTEST_SKIP() << "no " << GetParam().path;
    }
    if (!kOptimized && GetParam().path.ends_with(".xz")) {
      GTEST_SKIP() << "large vocabularies take minutes in this build";
    }
    auto tokenizer = LoadTestVocabulary(GetParam());
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    tokenizer_ = std::move(tokenizer).value();
  }

  // These normalize, and lack tokens for bytes that UTF-8 never uses.
  bool normalizes() const {
    return GetParam().pre == "mpt" || GetParam().pre == "qwen2";
  }

  // These rewrite texts and have unknown tokens.
  bool loses_text() const {
    const std::string_view name = GetParam().name;
    return name.starts_with("bert") || name == "gte" || name == "t5";
  }

  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_P(TokenizerPropertiesTest, DecodingGivesTheTextBack) {
  if (loses_text()) GTEST_SKIP() << "its texts do not come back";
  Random random(1);
  int failures = 0;
  constexpr int kTexts = 2000;
  for (int i = 0; i < kTexts; ++i) {
    const std::string text = RandomText(random, !normalizes());
    std::string storage;
    const std::string expected(normalizes() ? NormalizeNfc(text, storage)
                                            : text);
    const bool same =
        tokenizer_->Decode(tokenizer_->Encode(text, kPlain), {}) == expected;
    failures += same ? 0 : 1;
    EXPECT_TRUE(same) << testing::PrintToString(text);
  }
  std::printf("%s: %d round trips, %d failures\n",
              std::string(GetParam().name).c_str(), kTexts, failures);
}

TEST_P(TokenizerPropertiesTest, StreamingEqualsPiecesInOneShot) {
  Random random(2);
  for (int i = 0; i < 500; ++i) {
    const auto tokens = tokenizer_->Encode(RandomText(random, true), kPlain);
    std::string expected;
    std::string streamed;
    StreamingDetokenizer detokenizer(*tokenizer_);
    for (const TokenId token : tokens) {
      expected += tokenizer_->Piece(token, {});
      streamed += detokenizer.Add(token);
    }
    streamed += detokenizer.Finish();
    EXPECT_EQ(streamed, expected);
  }
}

TEST_P(TokenizerPropertiesTest, NoTextIsSlow) {
  constexpr size_t kSize = size_t{1} << (kOptimized ? 20 : 14);
  const auto repeat = [](std::string_view unit) {
    std::string text;
    while (text.size() < kSize) text += unit;
    return text;
  };
  const std::pair<const char*, std::string> texts[] = {
      {"'a'", repeat("a")},
      {"space", repeat(" ")},
      {"U+0301", repeat("\u0301")},
      // In the order that sorts worst: class 230, then 220.
      {"U+0301 U+0316", repeat("\u0301\u0316")},
      {"newline", repeat("\n")},
      {"digit", repeat("7")},
      {"'<|'", repeat("<|")},
      {"<|endoftext|>", repeat("<|endoftext|>")},
      {"byte FF", repeat("\xFF")},
  };
  for (const auto& [name, text] : texts) {
    size_t count = 0;
    const double seconds = Seconds(
        [&, &input = text] { count = tokenizer_->Encode(input, {}).size(); });
    std::printf("%s: %zu KiB of %s: %zu tokens in %.3f s\n",
                std::string(GetParam().name).c_str(), kSize >> 10, name, count,
                seconds);
    if (kOptimized) {
      EXPECT_LT(seconds, 1.0) << name;
    }
  }
}

TEST_P(TokenizerPropertiesTest, ProseIsFast) {
  if (!kOptimized) GTEST_SKIP() << "not an optimised build";
  const std::string_view path = "corpora/war-and-peace.txt";
  if (!DataExists(path)) GTEST_SKIP() << "no " << path;
  const std::string text = ReadData(path);
  size_t count = 0;
  const double encode =
      Seconds([&] { count = tokenizer_->Encode(text, kPlain).size(); });
  const auto tokens = tokenizer_->Encode(text, kPlain);
  std::string decoded;
  const double decode =
      Seconds([&] { decoded = tokenizer_->Decode(tokens, {}); });
  const double load =
      Seconds([&] { EXPECT_TRUE(LoadTestVocabulary(GetParam()).ok()); });
  std::printf(
      "%s: %zu tokens; encode %.1f MB/s, decode %.1f MB/s; load %.3f s\n",
      std::string(GetParam().name).c_str(), count,
      static_cast<double>(text.size()) / encode / 1e6,
      static_cast<double>(text.size()) / decode / 1e6, load);
  if (!loses_text()) {
    EXPECT_EQ(decoded, text);
  }
}

std::string VocabularyName(
    const testing::TestParamInfo<TestVocabulary>& vocabulary) {
  std::string name(vocabulary.param.name);
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Vocabularies, TokenizerPropertiesTest,
                         testing::ValuesIn(kTestVocabularies), VocabularyName);

}  // namespace
}  // namespace braid
