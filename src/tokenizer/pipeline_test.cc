#include "tokenizer/pipeline.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/format.h"

namespace braid {
namespace {

std::string ErrorOf(std::string_view json) {
  const auto pipeline = Pipeline::Read(json);
  return pipeline.ok() ? "no error" : pipeline.error().message;
}

TEST(PipelineTest, AbsentPartsAreNothing) {
  for (const std::string_view json :
       {"{}", R"({"added_tokens": null, "normalizer": null, "model": null})"}) {
    const auto pipeline = Pipeline::Read(json);
    ASSERT_TRUE(pipeline.ok()) << pipeline.error().message;
    EXPECT_TRUE(pipeline->added_tokens.empty());
    EXPECT_FALSE(pipeline->texts_are_marked);
    EXPECT_EQ(pipeline->text_template, TextTemplate{kNoToken});
    EXPECT_TRUE(pipeline->model.IsNull());
  }
}

TEST(PipelineTest, AddedTokens) {
  const auto pipeline = Pipeline::Read(R"({"added_tokens": [
      {"id": 1, "content": "a"},
      {"id": 2, "content": "b", "special": true, "lstrip": true},
      {"id": 3, "content": "c", "special": true, "normalized": true,
       "single_word": true, "rstrip": true}]})");
  ASSERT_TRUE(pipeline.ok()) << pipeline.error().message;
  ASSERT_EQ(pipeline->added_tokens.size(), 3u);
  const AddedToken& first = pipeline->added_tokens[0];
  EXPECT_EQ(first.id, 1);
  EXPECT_EQ(first.content, "a");
  // By default what is not special is normalized.
  EXPECT_TRUE(first.normalized);
  EXPECT_FALSE(first.special || first.lstrip || first.rstrip ||
               first.single_word);
  const AddedToken& second = pipeline->added_tokens[1];
  EXPECT_TRUE(second.special && second.lstrip);
  EXPECT_FALSE(second.normalized || second.rstrip);
  const AddedToken& third = pipeline->added_tokens[2];
  EXPECT_TRUE(third.normalized && third.single_word && third.rstrip);
}

TEST(PipelineTest, WrongPartsAreRefusedByName) {
  const struct {
    std::string_view json;
    std::string_view error;
  } cases[] = {
      {"[]", "expected an object, found an array"},
      {R"({"shortener": {}})", "tokenizer: the option shortener is not known"},
      {R"({"normalizer": "NFC"})",
       "normalizer: expected a step with a type, found a string"},
      {R"({"pre_tokenizer": {"type": "Jieba"}})",
       "pre_tokenizer Jieba: this step is not supported"},
      {R"({"decoder": {"type": "Morse"}})",
       "decoder Morse: this step is not supported"},
      {R"({"post_processor": {"type": "Wrap"}})",
       "post_processor Wrap: this step is not supported"},
      {R"({"stored_texts": "gpt"})",
       "tokenizer: stored_texts: \"gpt\" is none of \"bert\""},
      {R"({"added_tokens": {}})",
       "added_tokens: expected an array, found an object"},
      {R"({"added_tokens": [{"content": "a"}]})",
       "added_tokens[0]: id is missing"},
      {R"({"added_tokens": [{"id": 1}]})",
       "added_tokens[0]: content is missing"},
      {R"({"added_tokens": [{"id": 1, "content": ""}]})",
       "added_tokens[0]: content is empty"},
      {R"({"added_tokens": [{"id": -1, "content": "a"}]})",
       "added_tokens[0]: id: -1 is not in [0, 2147483646]"},
      {R"({"added_tokens": [{"id": 1, "content": "a", "lstrip": "no"}]})",
       "added_tokens[0]: lstrip: expected a boolean, found a string"},
      {R"({"added_tokens": [{"id": 1, "content": "a", "weight": 2}]})",
       "added_tokens[0]: the option weight is not known"},
      {R"({"outside_model": [1, "a"]})", "outside_model[1]: no id of a token"},
      {R"({"outside_model": 5})",
       "outside_model: expected an array, found a number"},
  };
  for (const auto& [json, error] : cases) EXPECT_EQ(ErrorOf(json), error);
}

// `tokenizers` 0.23.3 makes "âĸģ▁", "Ċ", "âĸģ" of "\n" by the first of these.
TEST(PipelineTest, TextOfNoCharacterIsNotForByteLevel) {
  const auto error = [](std::string_view pattern, std::string_view content,
                        std::string_view pre_tokenizer) {
    return ErrorOf(Format(R"({"normalizer": {"type": "Replace", "pattern": {},
        "content": "{}"}, "pre_tokenizer": {"type": "{}"}})",
                          pattern, content, pre_tokenizer));
  };
  constexpr std::string_view kRefused =
      "normalizer Replace: a pattern that may match no character is not "
      "supported before the pre_tokenizer ByteLevel";
  EXPECT_EQ(error(R"({"Regex": "a?"})", "\u2581", "ByteLevel"), kRefused);
  EXPECT_EQ(error(R"({"String": ""})", "\u2581", "ByteLevel"), kRefused);
  EXPECT_EQ(error(R"({"Regex": "a+"})", "\u2581", "ByteLevel"), "no error");
  EXPECT_EQ(error(R"({"Regex": "a?"})", "", "ByteLevel"), "no error");
  EXPECT_EQ(error(R"({"Regex": "a?"})", "\u2581", "Metaspace"), "no error");
}

// `tokenizers` 0.23.3 makes " a" of "a" by the first of these and fails at the
// second.
TEST(PipelineTest, TextOfNoCharacterIsForFewNormalizers) {
  const auto error = [](std::string_view pattern, std::string_view then) {
    return ErrorOf(Format(R"({"normalizer": {"type": "Sequence", "normalizers":
        [{"type": "NFC"}, {"type": "Replace", "pattern": {}, "content": " "},
         {}]}})",
                          pattern, then));
  };
  constexpr std::string_view kRefused =
      "normalizer Replace: a pattern that may match no character is not "
      "supported before steps other than Replace and Prepend";
  constexpr std::string_view kStrip = R"({"type": "Strip"})";
  constexpr std::string_view kPrepend =
      R"({"type": "Prepend", "prepend": "-"})";
  EXPECT_EQ(error(R"({"Regex": "b?"})", kStrip), kRefused);
  EXPECT_EQ(error(R"({"Regex": "b?"})", R"({"type": "NFC"})"), kRefused);
  EXPECT_EQ(error(R"({"Regex": "b+"})", kStrip), "no error");
  EXPECT_EQ(error(R"({"Regex": "b?"})", kPrepend), "no error");
}

TEST(PipelineTest, NoJsonIsAnError) {
  EXPECT_NE(ErrorOf("{"), "no error");
  EXPECT_NE(ErrorOf(""), "no error");
}

TEST(PipelineTest, DepthIsBounded) {
  // Each sequence is two levels: an object in an array.
  const auto nested = [](size_t depth) {
    std::string json = R"({"type": "NFC"})";
    for (size_t i = 0; i < depth; ++i) {
      json = Format(R"({"type": "Sequence", "normalizers": [{}]})", json);
    }
    return Format(R"({"normalizer": {}})", json);
  };
  EXPECT_EQ(ErrorOf(nested(Json::kMaxDepth / 2 - 2)), "no error");
  EXPECT_NE(ErrorOf(nested(Json::kMaxDepth / 2 + 1)).find("deep"),
            std::string::npos)
      << ErrorOf(nested(Json::kMaxDepth / 2 + 1));
}

TEST(PipelineTest, SizeIsBounded) {
  EXPECT_EQ(ErrorOf(std::string(Pipeline::kLongest + 1, ' ')),
            "33554433 bytes; at most 33554432 are supported");
}

}  // namespace
}  // namespace braid
