#include "tokenizer/pipeline_normalizer.h"

#include <gtest/gtest.h>

#include "base/format.h"
#include "tokenizer/step_sequence.h"

namespace braid {
namespace {

// The step of a row.
Json Parsed(std::string_view json) {
  auto parsed = Json::Parse(json);
  EXPECT_TRUE(parsed.ok()) << json << ": " << parsed.error().message;
  return parsed.ok() ? std::move(parsed).value() : Json();
}

// The expected texts are what `tokenizers` 0.23.3 makes, with the row's step as
// its only normalizer.
struct Case {
  std::string_view step;
  std::string_view text;
  std::string_view expected;
};
const Case kCases[] = {
    {R"({"type": "Replace", "pattern": {"String": ""}, "content": "-"})", "aé",
     "-a-é-"},
    {R"({"type": "Replace", "pattern": {"Regex": ""}, "content": "-"})", "aé",
     "-a-é-"},
    {R"({"type": "Lowercase"})", "ÀB İ ΑΣ ẞ", "àb i\u0307 ασ ß"},
    {R"({"type": "NFC"})", "e\u0301 ﬁ", "é ﬁ"},
    {R"({"type": "NFD"})", "é ﬁ", "e\u0301 ﬁ"},
    {R"({"type": "NFKC"})", "e\u0301 ﬁ ①", "é fi 1"},
    {R"({"type": "NFKD"})", "é ﬁ ①", "e\u0301 fi 1"},
    {R"({"type": "StripAccents"})", "e\u0301é a\u20dd", "eé a"},
    {R"({"type": "Strip", "strip_left": true, "strip_right": true})",
     " \u3000a b\n ", "a b"},
    {R"({"type": "Strip", "strip_left": true, "strip_right": false})", " a ",
     "a "},
    {R"({"type": "Strip", "strip_left": false, "strip_right": true})", " a ",
     " a"},
    {R"({"type": "Strip", "strip_left": false, "strip_right": false})", " a ",
     " a "},
    {R"({"type": "Strip", "strip_left": true, "strip_right": true})", " \t ",
     ""},
    {R"({"type": "Nmt"})", "a\001b\tc\u200bd▁e\u2028f\ufefe\ufeffg\177",
     "ab c d e f\ufefe g"},
    {R"({"type": "Prepend", "prepend": "▁"})", "a", "▁a"},
    {R"({"type": "Prepend", "prepend": "▁"})", "", ""},
    {R"({"type": "Replace", "pattern": {"String": "aa"}, "content": "b"})",
     "aaaaa a", "bba a"},
    {R"({"type": "Replace", "pattern": {"Regex": "a+|$"}, "content": "<>"})",
     "aab", "<>b<>"},
    {R"({"type": "Replace", "pattern": {"Regex": "\\w+|[^\\w\\s]+"},
        "content": "_"})",
     "a ² ]² ³]", "_ _ _ __"},
    {R"({"type": "Replace", "pattern": {"Regex": "\\s"}, "content": "_"})",
     "a\u180eb\u00a0", "a\u180eb_"},
    {R"({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": ""})",
     "a  b c   ", "ab c"},
    {R"({"type": "Replace", "pattern": {"String": "."}, "content": "$0"})",
     "a.b", "a$0b"},
    {R"({"type": "ByteLevel"})", "é \n", "Ã©ĠĊ"},
    {R"({"type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": true, "strip_accents": null, "lowercase":
        true})",
     "Émile\t京A\000\u200b�", "emile  京 a"},
    {R"({"type": "BertNormalizer", "clean_text": false,
        "handle_chinese_chars": true, "strip_accents": null, "lowercase":
        true})",
     "É\t京", "e\t 京 "},
    {R"({"type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": false, "strip_accents": null,
        "lowercase": true})",
     "É\t京", "e 京"},
    {R"({"type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": true, "strip_accents": false,
        "lowercase": true})",
     "É\t京", "é  京 "},
    {R"({"type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": true, "strip_accents": null, "lowercase":
        false})",
     "É\t京", "É  京 "},
    {R"({"type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": true, "strip_accents": true, "lowercase":
        false})",
     "É\t京", "E  京 "},
    {R"({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type":
        "Sequence", "normalizers": [{"type": "StripAccents"}, {"type":
        "Lowercase"}]}, {"type": "Prepend", "prepend": "_"}]})",
     "ÉA", "_ea"},
    {R"({"type": "Sequence", "normalizers": []})", "A", "A"},
};

TEST(PipelineNormalizerTest, RewritesLikeTokenizers) {
  for (const auto& [step, text, expected] : kCases) {
    const auto normalizer = PipelineNormalizer::Read(Parsed(step));
    ASSERT_TRUE(normalizer.ok()) << step << ": " << normalizer.error().message;
    std::string storage;
    std::string scratch;
    EXPECT_EQ(normalizer->Apply({text}, storage, scratch).text, expected)
        << step << " of \"" << text << "\"";
  }
}

TEST(PipelineNormalizerTest, BytesThatAreNoUtf8Stay) {
  for (const std::string_view type :
       {"Lowercase", "NFC", "NFKD", "Nmt", "StripAccents", "Strip",
        "BertNormalizer"}) {
    const auto normalizer =
        PipelineNormalizer::Read(Parsed(Format(R"({"type": "{}"})", type)));
    ASSERT_TRUE(normalizer.ok()) << type;
    std::string storage;
    std::string scratch;
    EXPECT_EQ(normalizer->Apply({"a\xff\xc3"}, storage, scratch).text,
              "a\xff\xc3")
        << type;
  }
}

TEST(PipelineNormalizerTest, OriginFollowsTheFirstCharacter) {
  const auto normalizer = PipelineNormalizer::Read(Parsed(
      R"({"type": "Sequence", "normalizers": [
          {"type": "NFD"}, {"type": "Prepend", "prepend": "_"}]})"));
  ASSERT_TRUE(normalizer.ok()) << normalizer.error().message;
  std::string storage;
  std::string scratch;
  // The prefix and both characters that the first one decomposes to.
  EXPECT_EQ(normalizer->Apply({"\u00e9a", 2}, storage, scratch).origin, 4u);
  EXPECT_EQ(normalizer->Apply({"\u00e9a", 0}, storage, scratch).origin, 0u);
}

TEST(PipelineNormalizerTest, WrongStepsAreRefusedByName) {
  const struct {
    std::string_view step;
    std::string_view error;
  } cases[] = {
      {R"({"type": "Reverse"})",
       "normalizer Reverse: this step is not supported"},
      {R"({"type": "Strip", "strip_middle": true})",
       "normalizer Strip: the option strip_middle is not known"},
      {R"({"type": "Strip", "strip_left": 1})",
       "normalizer Strip: strip_left: expected a boolean, found a number"},
      {R"({"type": "Prepend"})", "normalizer Prepend: prepend is missing"},
      {R"({"type": "Replace", "pattern": "a", "content": ""})",
       "normalizer Replace: pattern: expected {\"String\": ...} or "
       "{\"Regex\": ...}"},
      {R"({"type": "Replace", "pattern": {"String": "a"}})",
       "normalizer Replace: content is missing"},
      {R"({"type": "Replace", "pattern": {"Regex": "("}, "content": ""})",
       "normalizer Replace: regular expression \"(\": a group is not closed, "
       "at byte 0"},
      {R"({"type": "Precompiled", "precompiled_charsmap": "!"})",
       "normalizer Precompiled: "},
      {R"({"type": "Sequence", "normalizers": 5})",
       "normalizer Sequence: normalizers: expected an array, found a number"},
      {R"({"type": "Sequence", "normalizers": [7]})",
       "normalizer: expected a step with a type, found a number"},
      {R"({"type": "Sequence", "normalizers": [], "twice": true})",
       "normalizer Sequence: the option twice is not known"},
      {R"({})", "normalizer: expected a step with a type, found an object"},
  };
  for (const auto& [step, error] : cases) {
    const auto normalizer = PipelineNormalizer::Read(Parsed(step));
    ASSERT_FALSE(normalizer.ok()) << step;
    EXPECT_TRUE(normalizer.error().message.starts_with(error))
        << normalizer.error().message;
  }
}

TEST(PipelineNormalizerTest, TooManyStepsAreRefused) {
  const auto read = [](size_t count) {
    std::string steps;
    for (size_t i = 0; i < count; ++i) {
      steps += i == 0 ? R"({"type": "NFC"})" : R"(, {"type": "NFC"})";
    }
    return PipelineNormalizer::Read(
        Parsed(Format(R"({"type": "Sequence", "normalizers": [{}]})", steps)));
  };
  EXPECT_TRUE(read(kMostSteps).ok());
  const auto refused = read(kMostSteps + 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "normalizer: more than 256 steps");
}

}  // namespace
}  // namespace braid
