#include "tokenizer/pipeline_tokenizer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/format.h"

namespace braid {
namespace {

using Tokens = std::vector<TokenId>;

// "XX" is added with `flags` to a tokenizer of single characters, which it gets
// in lower case.
std::unique_ptr<Tokenizer> WithAdded(std::string_view flags) {
  TokenizerSpec spec;
  spec.model = "gpt2";
  spec.tokens = {"a", "b", "x", " ", "\u00e9", "XX"};
  const std::string pipeline = Format(
      R"({"added_tokens": [{"id": 5, "content": "XX", "normalized": false{}{}}],
          "normalizer": {"type": "Lowercase"}, "model": {"type": "BPE"},
          "decoder": {"type": "Fuse"},
          "post_processor": {"type": "BertProcessing", "cls": ["a", 0],
                             "sep": ["b", 1]}})",
      flags.empty() ? "" : ", ", flags);
  spec.pipeline = pipeline;
  auto tokenizer = MakePipelineTokenizer(spec);
  EXPECT_TRUE(tokenizer.ok()) << flags << tokenizer.error().message;
  BRAID_CHECK(tokenizer.ok());
  return std::move(tokenizer).value();
}

// The ids are those of `tokenizers` 0.23.3 with the same tokenizer.json.
TEST(PipelineTokenizerTest, AddedTokensAreFoundByTheirFlags) {
  const struct {
    std::string_view flags;
    std::string_view text;
    Tokens expected;
  } cases[] = {
      {R"()", "a XX b", {0, 3, 5, 3, 1}},
      {R"()", "aXXb", {0, 5, 1}},
      {R"()", "xxXX", {2, 2, 5}},
      {R"()", "éXX  ", {4, 5, 3, 3}},
      {R"("single_word": true)", "a XX b", {0, 3, 5, 3, 1}},
      {R"("single_word": true)", "aXXb", {0, 2, 2, 1}},
      {R"("single_word": true)", "xxXX", {2, 2, 2, 2}},
      {R"("single_word": true)", "éXX  ", {4, 2, 2, 3, 3}},
      {R"("lstrip": true)", "a XX b", {0, 5, 3, 1}},
      {R"("lstrip": true)", "aXXb", {0, 5, 1}},
      {R"("lstrip": true)", "xxXX", {2, 2, 5}},
      {R"("lstrip": true)", "éXX  ", {4, 5, 3, 3}},
      {R"("rstrip": true)", "a XX b", {0, 3, 5, 1}},
      {R"("rstrip": true)", "aXXb", {0, 5, 1}},
      {R"("rstrip": true)", "xxXX", {2, 2, 5}},
      {R"("rstrip": true)", "éXX  ", {4, 5}},
      {R"("lstrip": true, "rstrip": true)", "a XX b", {0, 5, 1}},
      {R"("lstrip": true, "rstrip": true)", "aXXb", {0, 5, 1}},
      {R"("lstrip": true, "rstrip": true)", "xxXX", {2, 2, 5}},
      {R"("lstrip": true, "rstrip": true)", "éXX  ", {4, 5}},
      {R"("normalized": true)", "a XX b", {0, 3, 5, 3, 1}},
      {R"("normalized": true)", "aXXb", {0, 5, 1}},
      {R"("normalized": true)", "xxXX", {5, 5}},
      {R"("normalized": true)", "éXX  ", {4, 5, 3, 3}},
      {R"("special": true)", "a XX b", {0, 3, 5, 3, 1}},
      {R"("special": true)", "aXXb", {0, 5, 1}},
      {R"("special": true)", "xxXX", {2, 2, 5}},
      {R"("special": true)", "éXX  ", {4, 5, 3, 3}},
      {R"("single_word": true, "lstrip": true)", "a XX b", {0, 5, 3, 1}},
      {R"("single_word": true, "lstrip": true)", "aXXb", {0, 2, 2, 1}},
      {R"("single_word": true, "lstrip": true)", "xxXX", {2, 2, 2, 2}},
      {R"("single_word": true, "lstrip": true)", "éXX  ", {4, 2, 2, 3, 3}},
  };
  for (const auto& [flags, text, expected] : cases) {
    EXPECT_EQ(WithAdded(flags)->Encode(text, {.add_special = false}), expected)
        << flags << " in \"" << text << "\"";
  }
}

TEST(PipelineTokenizerTest, SpecialTokensAreFoundAndShownOnRequest) {
  const auto special = WithAdded(R"("special": true)");
  EXPECT_EQ(special->Encode("XX", {.add_special = false}), (Tokens{5}));
  EXPECT_EQ(
      special->Encode("XX", {.add_special = false, .parse_special = false}),
      (Tokens{2, 2}));
  EXPECT_TRUE(special->IsControl(5));
  EXPECT_EQ(special->Decode(Tokens{2, 5}, {}), "x");
  EXPECT_EQ(special->Decode(Tokens{2, 5}, {.special = true}), "xXX");

  const auto ordinary = WithAdded("");
  EXPECT_EQ(
      ordinary->Encode("XX", {.add_special = false, .parse_special = false}),
      (Tokens{5}));
  EXPECT_FALSE(ordinary->IsControl(5));
  EXPECT_EQ(ordinary->Decode(Tokens{2, 5}, {}), "xXX");
}

TEST(PipelineTokenizerTest, TheTemplateGoesAroundTheText) {
  EXPECT_EQ(WithAdded("")->Encode("xXX", {}), (Tokens{0, 2, 5, 1}));
  EXPECT_EQ(WithAdded("")->Encode("", {}), (Tokens{0, 1}));
}

// Both are looked for as they are once they are normalized.
TEST(PipelineTokenizerTest, NormalizedTokensAreDecodedAsTheyAreFound) {
  const auto tokenizer = WithAdded(R"("normalized": true)");
  EXPECT_EQ(tokenizer->Decode(Tokens{5}, {}), "xx");
  EXPECT_EQ(tokenizer->StoredText(5), "XX");
}

TEST(PipelineTokenizerTest, MarkedTextsAreThoseOfWordPiece) {
  TokenizerSpec spec;
  spec.model = "bert";
  spec.tokens = {"[UNK]", "\u2581un", "able"};
  spec.pipeline = R"({"stored_texts": "bert", "model": {"type": "WordPiece"},
      "decoder": {"type": "WordPiece"}})";
  const auto tokenizer = MakePipelineTokenizer(spec);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->Encode("unable", {}), (Tokens{1, 2}));
  EXPECT_EQ((*tokenizer)->Decode(Tokens{1, 2, 1}, {}), "unable un");
}

TEST(PipelineTokenizerTest, TokensOutsideTheModelAreNotItsOwn) {
  TokenizerSpec spec;
  spec.model = "gpt2";
  spec.tokens = {"<unk>", "a"};
  spec.pipeline = R"({"model": {"type": "WordLevel"}})";
  const auto with = MakePipelineTokenizer(spec);
  ASSERT_TRUE(with.ok());
  EXPECT_EQ((*with)->Encode("a", {}), (Tokens{1}));
  spec.pipeline = R"({"outside_model": [1], "model": {"type": "WordLevel"}})";
  const auto without = MakePipelineTokenizer(spec);
  ASSERT_TRUE(without.ok());
  EXPECT_EQ((*without)->Encode("a", {}), (Tokens{0}));
}

TEST(PipelineTokenizerTest, WhatDoesNotFitTheVocabularyIsRefusedByName) {
  const struct {
    std::string_view members;
    std::string_view error;
  } cases[] = {
      {R"("added_tokens": [{"id": 2, "content": "b"}])",
       "added_tokens: id 2 is not in the vocabulary of 2 tokens"},
      {R"("outside_model": [7])",
       "outside_model: id 7 is not in the vocabulary of 2 tokens"},
      {R"("post_processor": {"type": "BertProcessing", "cls": ["a", 1],
           "sep": ["b", 3]})",
       "post_processor: id 3 is not in the vocabulary of 2 tokens"},
      {R"("added_tokens": [{"id": 1, "content": " "}],
          "normalizer": {"type": "Strip"})",
       "the added token \" \" is nothing once it is normalized"},
      {R"("added_tokens": [{"id": 0, "content": "A"},
                           {"id": 1, "content": "a"}],
          "normalizer": {"type": "Lowercase"})",
       "the added tokens \"A\" and \"a\" are the same where they are looked "
       "for"},
  };
  for (const auto& [members, error] : cases) {
    TokenizerSpec spec;
    spec.model = "gpt2";
    spec.tokens = {"<unk>", "a"};
    const std::string pipeline =
        Format(R"({{}, "model": {"type": "BPE"}})", members);
    spec.pipeline = pipeline;
    const auto tokenizer = MakePipelineTokenizer(spec);
    ASSERT_FALSE(tokenizer.ok()) << members;
    EXPECT_EQ(tokenizer.error().message,
              Format("braid.tokenizer.pipeline: {}", error));
  }
}

}  // namespace
}  // namespace braid
