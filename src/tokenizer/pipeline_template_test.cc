#include "tokenizer/pipeline_template.h"

#include <gtest/gtest.h>

#include <string>

#include "base/format.h"

namespace braid {
namespace {

// The step of a row.
Json Parsed(std::string_view json) {
  auto parsed = Json::Parse(json);
  EXPECT_TRUE(parsed.ok()) << json << ": " << parsed.error().message;
  return parsed.ok() ? std::move(parsed).value() : Json();
}

// The parts are the ids that `tokenizers` 0.23.3 puts around a text of one
// token, with the row's step as its only post-processor.
struct Case {
  std::string_view step;
  TextTemplate expected;
};

TEST(PipelineTemplateTest, PutsAroundATextWhatTokenizersDoes) {
  const Case cases[] = {
      {R"(null)", {kNoToken}},
      {R"({"type": "BertProcessing", "sep": ["[S]", 2], "cls": ["[C]", 1]})",
       {1, kNoToken, 2}},
      {R"({"type": "RobertaProcessing", "sep": ["[S]", 2], "cls": ["[C]",
        1], "trim_offsets": true, "add_prefix_space": false})",
       {1, kNoToken, 2}},
      {R"({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets":
        false, "use_regex": true})",
       {kNoToken}},
      {R"({"type": "TemplateProcessing", "single": [{"SpecialToken": {"id":
        "[C]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[M]", "type_id": 0}}], "pair":
        [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id":
        "B", "type_id": 0}}], "special_tokens": {"[C]": {"id": "[C]",
        "ids": [1], "tokens": ["[C]"]}, "[M]": {"id": "[M]", "ids": [3,
        4], "tokens": ["[M]", "[M]"]}}})",
       {1, kNoToken, 3, 4}},
      {R"({"type": "TemplateProcessing", "single": [{"Sequence": {"id":
        "A", "type_id": 0}}, {"SpecialToken": {"id": "[S]", "type_id":
        0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}},
        {"Sequence": {"id": "B", "type_id": 0}}], "special_tokens":
        {"[S]": {"id": "[S]", "ids": [2], "tokens": ["[S]"]}}})",
       {kNoToken, 2}},
      {R"({"type": "TemplateProcessing", "single": [{"Sequence": {"id":
        "A", "type_id": 0}}, {"SpecialToken": {"id": "[S]", "type_id":
        0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair":
        [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id":
        "B", "type_id": 0}}], "special_tokens": {"[S]": {"id": "[S]",
        "ids": [2], "tokens": ["[S]"]}}})",
       {kNoToken, 2, kNoToken}},
      {R"({"type": "Sequence", "processors": [
           {"type": "RobertaProcessing", "cls": ["<s>", 1], "sep": ["</s>", 2]},
           {"type": "BertProcessing", "cls": ["[C]", 3], "sep": ["[S]", 4]}]})",
       {3, 1, kNoToken, 2, 4}},
  };
  for (const auto& [step, expected] : cases) {
    const auto parts = ReadTextTemplate(Parsed(step));
    ASSERT_TRUE(parts.ok()) << step << ": " << parts.error().message;
    EXPECT_EQ(*parts, expected) << step;
  }
}

constexpr std::string_view kAround = R"({"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
               {"Sequence": {"id": "A", "type_id": 0}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}})";

TEST(PipelineTemplateTest, WrongStepsAreRefusedByName) {
  const std::string twice = Format(
      R"({"type": "Sequence", "processors": [{}, {}]})", kAround, kAround);
  const struct {
    std::string_view step;
    std::string_view error;
  } cases[] = {
      {R"({"type": "Wrap"})",
       "post_processor Wrap: this step is not supported"},
      {R"({"type": "BertProcessing", "cls": ["[C]", 1]})",
       "post_processor BertProcessing: sep: expected a token and its id"},
      {R"({"type": "BertProcessing", "cls": ["[C]", -1], "sep": ["[S]", 2]})",
       "post_processor BertProcessing: a token without an id"},
      {R"({"type": "BertProcessing", "cls": ["[C]", 1], "sep": ["[S]", 2],
           "mid": 1})",
       "post_processor BertProcessing: the option mid is not known"},
      {R"({"type": "TemplateProcessing", "single": "$A"})",
       "post_processor TemplateProcessing: single: expected an array, found a "
       "string"},
      {R"({"type": "TemplateProcessing", "single": [{"Text": "a"}]})",
       "post_processor TemplateProcessing: single: neither a text nor a token"},
      {R"({"type": "TemplateProcessing",
           "single": [{"Sequence": {"id": "B"}}]})",
       "post_processor TemplateProcessing: single: a text B"},
      {R"({"type": "TemplateProcessing",
           "single": [{"SpecialToken": {"id": "<s>"}}]})",
       "post_processor TemplateProcessing: special_tokens: \"<s>\" has no ids"},
      {twice,
       "post_processor TemplateProcessing: not supported behind a "
       "TemplateProcessing, whose parts it would take for several texts"},
  };
  for (const auto& [step, error] : cases) {
    const auto parts = ReadTextTemplate(Parsed(step));
    ASSERT_FALSE(parts.ok()) << step;
    EXPECT_EQ(parts.error().message, error);
  }
}

TEST(PipelineTemplateTest, LengthIsBounded) {
  std::string single;
  for (size_t i = 0; i <= kLongestTemplate; ++i) {
    single += i == 0 ? "" : ", ";
    single += R"({"Sequence": {"id": "A"}})";
  }
  const auto parts = ReadTextTemplate(Parsed(
      Format(R"({"type": "TemplateProcessing", "single": [{}]})", single)));
  ASSERT_FALSE(parts.ok());
  EXPECT_EQ(parts.error().message,
            "post_processor TemplateProcessing: more than 1024 tokens around a "
            "text");
}

}  // namespace
}  // namespace braid
