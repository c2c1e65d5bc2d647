#include <gtest/gtest.h>

#include "tokenizer/load.h"

namespace braid {
namespace {

using Tokens = std::vector<TokenId>;
constexpr EncodeOptions kPlain = {.add_special = false};

constexpr TokenId kUnknown = 1;

TokenizerSpec SmallSpec() {
  TokenizerSpec spec;
  spec.model = "bert";
  spec.tokens = {"[CLS]",   "[UNK]",      "[SEP]",           "\u2581un",
                 "able",    "\u2581cafe", "\u2581,",         "\u2581\u4E2D",
                 "\u2581i", "\u2581x",    "\u2581Caf\u00E9", "x"};
  spec.types = {3, 2, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  spec.ids[static_cast<size_t>(TokenRole::kBos)] = 0;
  spec.ids[static_cast<size_t>(TokenRole::kUnknown)] = kUnknown;
  spec.ids[static_cast<size_t>(TokenRole::kSeparator)] = 2;
  return spec;
}

Tokens Encode(const TokenizerSpec& spec, std::string_view text,
              const EncodeOptions& options = kPlain) {
  const auto tokenizer = MakeTokenizer(spec);
  EXPECT_TRUE(tokenizer.ok());
  return (*tokenizer)->Encode(text, options);
}

TEST(WpmTest, LongestTokenFirst) {
  EXPECT_EQ(Encode(SmallSpec(), "unable"), (Tokens{3, 4}));
  EXPECT_EQ(Encode(SmallSpec(), "unable un", {}), (Tokens{0, 3, 4, 3, 2}));
  EXPECT_EQ(Encode(SmallSpec(), "able"), Tokens{kUnknown});
  EXPECT_EQ(Encode(SmallSpec(), "unx?"), (Tokens{3, 11, kUnknown}));
}

TEST(WpmTest, CaseAndAccents) {
  TokenizerSpec spec = SmallSpec();
  EXPECT_EQ(Encode(spec, "Caf\u00E9"), Tokens{5});
  EXPECT_EQ(Encode(spec, "CAFE\u0301"), Tokens{5});
  EXPECT_EQ(Encode(spec, "\u0130"), Tokens{8});
  spec.lowercase = false;
  EXPECT_EQ(Encode(spec, "Caf\u00E9"), Tokens{10});
  spec.strip_accents = true;
  EXPECT_EQ(Encode(spec, "caf\u00E9"), Tokens{5});
}

TEST(WpmTest, Words) {
  EXPECT_EQ(Encode(SmallSpec(), "un,un"), (Tokens{3, 6, 3}));
  EXPECT_EQ(Encode(SmallSpec(), "un\u4E2Dun"), (Tokens{3, 7, 3}));
  EXPECT_EQ(Encode(SmallSpec(), "u\u200Dn\xFF \uFFFD\x01"), Tokens{3});
  EXPECT_EQ(Encode(SmallSpec(), "un\u2028un\u3000un"), (Tokens{3, 3, 3}));
  EXPECT_EQ(Encode(SmallSpec(), std::string(100, 'x')).size(), 100u);
  EXPECT_EQ(Encode(SmallSpec(), std::string(101, 'x')), Tokens{kUnknown});
}

TEST(WpmTest, DecodingCleansUp) {
  const auto tokenizer = MakeTokenizer(SmallSpec());
  ASSERT_TRUE(tokenizer.ok());
  const Tokens tokens = {0, 3, 4, 6, 5, 2};
  EXPECT_EQ((*tokenizer)->Decode(tokens, {}), "unable, cafe");
  EXPECT_EQ((*tokenizer)->Decode(tokens, {.special = true}),
            "[CLS] unable, cafe [SEP]");
}

}  // namespace
}  // namespace braid
