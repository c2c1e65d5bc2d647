#include "tokenizer/pipeline_model.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "tokenizer/pipeline_tokenizer.h"

namespace braid {
namespace {

using Tokens = std::vector<TokenId>;

// The ids are those of `tokenizers` 0.23.3 with the same vocabulary and a model
// of the row's options.
struct Case {
  std::string_view options;
  std::string_view text;
  Tokens expected;
};

TokenizerSpec SpecOf(std::string_view model,
                     std::vector<std::string_view> tokens) {
  TokenizerSpec spec;
  spec.model = model;
  spec.tokens = std::move(tokens);
  return spec;
}

std::string ModelJson(std::string_view type, std::string_view options) {
  return Format(R"({"model": {"type": "{}"{}{}}})", type,
                options.empty() ? "" : ", ", options);
}

// The text as tokens, by a tokenizer that is nothing but a model.
void Expect(TokenizerSpec spec, std::string_view type, const Case& row) {
  const std::string pipeline = ModelJson(type, row.options);
  spec.pipeline = pipeline;
  const auto tokenizer = MakePipelineTokenizer(spec);
  ASSERT_TRUE(tokenizer.ok()) << pipeline << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->Encode(row.text, {}), row.expected)
      << pipeline << " of " << row.text;
}

std::string ErrorOf(TokenizerSpec spec, std::string_view type,
                    std::string_view options) {
  const std::string pipeline = ModelJson(type, options);
  spec.pipeline = pipeline;
  const auto tokenizer = MakePipelineTokenizer(spec);
  return tokenizer.ok() ? "no error" : tokenizer.error().message;
}

TokenizerSpec BpeSpec() {
  return SpecOf("gpt2",
                {"<unk>", "a", "b", "c", "ab", "abc", "cab", "##b", "##c",
                 "b</w>", "ab</w>", "<0xC3>", "<0xA9>", "a</w>"});
}

TEST(PipelineModelTest, Bpe) {
  const struct {
    std::string_view options;
    std::vector<std::string_view> merges;
    std::string_view text;
    Tokens expected;
  } cases[] = {
      {R"()", {"a b", "ab c"}, "abcb", {5, 2}},
      {R"()", {"a b", "ab c"}, "cab", {3, 4}},
      {R"()", {"a b", "ab c"}, "aébc", {5}},
      {R"()", {"ab c", "a b"}, "abc", {5}},
      {R"("unk_token": "<unk>")", {"a b", "ab c"}, "éaé京b", {0, 1, 0, 0, 2}},
      {R"("unk_token": "<unk>", "fuse_unk": true)",
       {"a b", "ab c"},
       "éaé京b",
       {0, 1, 0, 2}},
      {R"("byte_fallback": true)", {"a b", "ab c"}, "é京a", {11, 12, 1}},
      {R"("unk_token": "<unk>", "byte_fallback": true)",
       {"a b", "ab c"},
       "é京aé",
       {11, 12, 0, 1, 11, 12}},
      {R"("unk_token": "<unk>", "byte_fallback": true, "fuse_unk": true)",
       {"a b", "ab c"},
       "京é京京",
       {11, 12, 0}},
      {R"("ignore_merges": true)", {"a b", "ab c"}, "cab", {6}},
      {R"("ignore_merges": true)", {"a b", "ab c"}, "cabc", {3, 5}},
      {R"("continuing_subword_prefix": "##")",
       {"a ##b", "ab ##c"},
       "abcb",
       {5, 7}},
      {R"("continuing_subword_prefix": "##")",
       {"a ##b", "ab ##c"},
       "bab",
       {2, 7}},
      {R"("end_of_word_suffix": "</w>")", {"a b</w>"}, "ab", {10}},
      {R"("end_of_word_suffix": "</w>")", {"a b</w>"}, "aba", {1, 2, 13}},
      {R"("end_of_word_suffix": "</w>", "unk_token": "<unk>")",
       {"a b</w>"},
       "ac",
       {1, 0}},
      {R"("dropout": 0.0)", {"a b", "ab c"}, "ab", {4}},
  };
  for (const auto& row : cases) {
    TokenizerSpec spec = BpeSpec();
    spec.merges = row.merges;
    Expect(spec, "BPE", {row.options, row.text, row.expected});
  }
}

// Of merges with a space in a half, which the file's list cannot hold.
TEST(PipelineModelTest, BpeMergesAsPairs) {
  TokenizerSpec spec = SpecOf("gpt2", {"a", " ", "a ", "a a"});
  spec.merges = {"a a"};
  Expect(spec, "BPE",
         {R"("merges": [["a", " "], ["a ", "a"]])", "a aa", {3, 0}});
}

TEST(PipelineModelTest, WordPiece) {
  const Case cases[] = {
      {R"()", "unaffable", {1, 2, 3}},
      {R"()", "unx", {0}},
      {R"()", "affable", {0}},
      {R"()", "a京", {4, 8}},
      {R"("max_input_chars_per_word": 2)", "un", {1}},
      {R"("max_input_chars_per_word": 2)", "unb", {0}},
      {R"("max_input_chars_per_word": 2)", "a京", {4, 8}},
      {R"("continuing_subword_prefix": "@")", "ab", {4, 6}},
      {R"("continuing_subword_prefix": "@")", "a", {4}},
      {R"("continuing_subword_prefix": "")", "unable", {1, 7}},
      {R"("unk_token": "a")", "x", {4}},
  };
  for (const Case& row : cases) {
    Expect(SpecOf("bert", {"[UNK]", "un", "##aff", "##able", "a", "##b", "@b",
                           "able", "##\u4eac"}),
           "WordPiece", row);
  }
}

TEST(PipelineModelTest, WordLevel) {
  const Case cases[] = {
      {R"()", "b c", {2}},
      {R"()", "a b", {0}},
      {R"("unk_token": "a")", "x", {1}},
  };
  for (const Case& row : cases) {
    Expect(SpecOf("gpt2", {"<unk>", "a", "b c"}), "WordLevel", row);
  }
}

TokenizerSpec UnigramSpec() {
  TokenizerSpec spec = SpecOf("t5", {"<unk>", "a", "b", "ab", "abc", "<0xC3>",
                                     "<0xA9>", "bc", "\u00e9\u00e9"});
  spec.scores = {0, -1, -2, -2.5, -3.25, -8, -8, -0.5, -20};
  return spec;
}

TEST(PipelineModelTest, Unigram) {
  const Case cases[] = {
      {R"("unk_id": 0)", "ab", {3}},
      {R"("unk_id": 0)", "abc", {1, 7}},
      {R"("unk_id": 0)", "abx", {3, 0}},
      {R"("unk_id": 0)", "éxa京", {0, 1, 0}},
      {R"("unk_id": 0)", "éé", {8}},
      {R"("unk_id": 0)", "ééé", {0, 8}},
      {R"("unk_id": 0, "byte_fallback": true)", "aéb", {1, 5, 6, 2}},
      {R"("unk_id": 0, "byte_fallback": true)", "a京é", {1, 0}},
      {R"("unk_id": 0, "byte_fallback": true)", "bébc", {2, 5, 6, 7}},
      // The pipeline's scores count, not the file's.
      {R"("unk_id": 0, "scores": [0, -9, -9, -9, -1, -9, -9, -9, -9])",
       "abc",
       {4}},
  };
  for (const Case& row : cases) Expect(UnigramSpec(), "Unigram", row);
}

TEST(PipelineModelTest, WrongOptionsAreRefusedByName) {
  const std::string key = "braid.tokenizer.pipeline: model ";
  EXPECT_EQ(ErrorOf(BpeSpec(), "Markov", ""),
            key +
                "Markov: this kind of model is not supported; supported: "
                "BPE, Unigram, WordLevel, WordPiece");
  EXPECT_EQ(ErrorOf(BpeSpec(), "BPE", R"("speed": 1)"),
            key + "BPE: the option speed is not known");
  EXPECT_EQ(ErrorOf(BpeSpec(), "BPE", R"("dropout": 0.5)"),
            key +
                "BPE: dropout is not supported: tokens would be drawn at "
                "random");
  EXPECT_EQ(ErrorOf(BpeSpec(), "BPE", R"("unk_token": "?")"),
            key + "BPE: unk_token: \"?\" is not in the vocabulary");
  EXPECT_EQ(ErrorOf(BpeSpec(), "BPE", R"("merges": [["a", "b"], ["a"]])"),
            key + "BPE: merges: number 1 is not a pair");
  EXPECT_EQ(ErrorOf(BpeSpec(), "BPE", R"("merges": [["b", "a"]])"),
            key +
                "BPE: merges: number 0, \"b\" and \"a\", is of or into a "
                "text that is not in the vocabulary");
  EXPECT_EQ(ErrorOf(BpeSpec(), "BPE", R"("merges": {})"),
            key + "BPE: merges: expected an array, found an object");
  EXPECT_EQ(ErrorOf(BpeSpec(), "WordPiece", ""),
            key + "WordPiece: unk_token: \"[UNK]\" is not in the vocabulary");
  EXPECT_EQ(ErrorOf(BpeSpec(), "WordLevel", R"("unk_token": 0)"),
            key + "WordLevel: unk_token: expected a string, found a number");
  EXPECT_EQ(ErrorOf(UnigramSpec(), "Unigram", R"("unk_id": 9)"),
            key + "Unigram: unk_id: 9 is not in [0, 8]");
  EXPECT_EQ(ErrorOf(UnigramSpec(), "Unigram", R"("scores": ["a"])"),
            key + "Unigram: scores: not a number");
  EXPECT_EQ(ErrorOf(UnigramSpec(), "Unigram", R"("scores": [])"),
            key + "Unigram: scores: 0 for 9 tokens");
}

}  // namespace
}  // namespace braid
