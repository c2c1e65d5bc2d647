#include "tokenizer/pipeline_pre_tokenizer.h"

#include <gtest/gtest.h>

#include "tokenizer/utf8.h"

namespace braid {
namespace {

// The step of a row.
Json Parsed(std::string_view json) {
  auto parsed = Json::Parse(json);
  EXPECT_TRUE(parsed.ok()) << json << ": " << parsed.error().message;
  return parsed.ok() ? std::move(parsed).value() : Json();
}

// The expected texts are what `tokenizers` 0.23.3 makes, with the row's step as
// its only pre-tokenizer.
struct Case {
  std::string_view step;
  std::string_view text;
  std::string_view pieces;  // with / between
};
const Case kCases[] = {
    {R"({"type": "Split", "pattern": {"String": "-"}, "behavior":
        "Removed", "invert": false})",
     "-a--bc-", "a/bc"},
    {R"({"type": "Split", "pattern": {"String": "-"}, "behavior":
        "Removed", "invert": true})",
     "-a--bc-", "-/-/-/-"},
    {R"({"type": "Split", "pattern": {"String": "-"}, "behavior":
        "Isolated", "invert": false})",
     "-a--bc-", "-/a/-/-/bc/-"},
    {R"({"type": "Split", "pattern": {"String": "-"}, "behavior":
        "Isolated", "invert": true})",
     "-a--bc-", "-/a/-/-/bc/-"},
    {R"({"type": "Split", "pattern": {"String": "-"}, "behavior":
        "MergedWithPrevious", "invert": false})",
     "-a--bc-", "-/a-/-/bc-"},
    {R"({"type": "Split", "pattern": {"String": "-"}, "behavior":
        "MergedWithPrevious", "invert": true})",
     "-a--bc-", "-a/-/-bc/-"},
    {R"({"type": "Split", "pattern": {"String": "-"}, "behavior":
        "MergedWithNext", "invert": false})",
     "-a--bc-", "-a/-/-bc/-"},
    {R"({"type": "Split", "pattern": {"String": "-"}, "behavior":
        "MergedWithNext", "invert": true})",
     "-a--bc-", "-/a-/-/bc-"},
    {R"({"type": "Split", "pattern": {"String": "-"}, "behavior":
        "Contiguous", "invert": false})",
     "-a--bc-", "-/a/--/bc/-"},
    {R"({"type": "Split", "pattern": {"String": "-"}, "behavior":
        "Contiguous", "invert": true})",
     "-a--bc-", "-/a/--/bc/-"},
    {R"({"type": "Split", "pattern": {"Regex": "\\d{1,2}"}, "behavior":
        "Isolated", "invert": false})",
     "a1234 5", "a/12/34/ /5"},
    {R"-({"type": "Split", "pattern": {"Regex": "(?=[A-Z])"}, "behavior":
        "MergedWithNext", "invert": false})-",
     "aBcD", "a/Bc/D"},
    {R"({"type": "Split", "pattern": {"Regex": "(?=b)|c"}, "behavior":
        "Isolated", "invert": false})",
     "abcb", "a/b/c/b"},
    {R"({"type": "Split", "pattern": {"String": ""}, "behavior":
        "Removed", "invert": false})",
     "aé", "a/é"},
    {R"({"type": "Split", "pattern": {"String": ""}, "behavior":
        "MergedWithPrevious", "invert": false})",
     "aé", "a/é"},
    {R"({"type": "Punctuation", "behavior": "Isolated"})", "a,b--$¿c",
     "a/,/b/-/-/$/¿/c"},
    {R"({"type": "Punctuation", "behavior": "Contiguous"})", "a,b--c",
     "a/,/b/--/c"},
    {R"({"type": "Punctuation", "behavior": "Removed"})", "a,b--c", "a/b/c"},
    {R"({"type": "Punctuation", "behavior": "MergedWithPrevious"})", "a,b--c",
     "a,/b-/-/c"},
    {R"({"type": "Punctuation", "behavior": "MergedWithNext"})", "a,b--c",
     "a/,b/-/-c"},
    {R"({"type": "Digits", "individual_digits": true})", "a12 ½٣b",
     "a/1/2/ /½/٣/b"},
    {R"({"type": "Digits", "individual_digits": false})", "a12 ½٣b",
     "a/12/ /½٣/b"},
    {R"({"type": "WhitespaceSplit"})", " a  b,\u3000c\n", "a/b,/c"},
    {R"({"type": "Whitespace"})", "Hey, you_2!? é\u0301‿京 $",
     "Hey/,/you_2/!?/é\u0301‿京/$"},
    {R"({"type": "BertPreTokenizer"})", "Hey, you_2!? 京$",
     "Hey/,/you/_/2/!/?/京/$"},
    {R"({"type": "CharDelimiterSplit", "delimiter": "京"})", "a京b京京c",
     "a/b/c"},
    {R"({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets":
        true, "use_regex": true})",
     "It's é 12\n\n x", "ĠIt/'s/ĠÃ©/Ġ12/ĊĊ/Ġx"},
    {R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets":
        true, "use_regex": true})",
     "It's é 12\n\n x", "It/'s/ĠÃ©/Ġ12/ĊĊ/Ġx"},
    {R"({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets":
        true, "use_regex": false})",
     "It's é", "ĠIt'sĠÃ©"},
    {R"({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets":
        false, "use_regex": false})",
     " a", "Ġa"},
    {R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme":
        "always", "split": true})",
     "a  b c", "▁a/▁/▁b/▁c"},
    {R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme":
        "always", "split": true})",
     " a", "▁a"},
    {R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme":
        "never", "split": true})",
     "a b", "a/▁b"},
    {R"({"type": "Metaspace", "replacement": "_", "prepend_scheme":
        "first", "split": true})",
     "a b_c", "_a/_b/_c"},
    {R"({"type": "Metaspace", "replacement": "_", "prepend_scheme":
        "always", "split": false})",
     "a b", "_a_b"},
    {R"({"type": "Sequence", "pretokenizers": [{"type":
        "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "_",
        "prepend_scheme": "first", "split": true}]})",
     "a b", "_a/b"},
    {R"({"type": "Sequence", "pretokenizers": [{"type":
        "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "_",
        "prepend_scheme": "first", "split": true}]})",
     " a b", "a/b"},
    {R"({"type": "Sequence", "pretokenizers": [{"type":
        "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "_",
        "prepend_scheme": "always", "split": true}]})",
     "a b", "_a/_b"},
    {R"({"type": "Metaspace", "replacement": "▁", "add_prefix_space":
        true})",
     "a b", "▁a/▁b"},
    {R"({"type": "UnicodeScripts"})", "どこで食べる Yes, ок! 1",
     "どこで食べる /Yes/, /ок/! 1"},
    {R"({"type": "UnicodeScripts"})", " 12 a", "12 /a"},
    {R"({"type": "FixedLength", "length": 2})", "aé京bc", "aé/京b/c"},
    {R"({"type": "Sequence", "pretokenizers": [{"type": "Digits",
        "individual_digits": true}, {"type": "Sequence", "pretokenizers":
        [{"type": "Punctuation", "behavior": "Isolated"}, {"type":
        "WhitespaceSplit"}]}]})",
     "a1, b", "a/1/,/b"},
};

// `origin`: bytes of the first character of the whole text.
std::string PiecesOf(std::string_view step, std::string_view text,
                     size_t origin) {
  const auto pre_tokenizer = PipelinePreTokenizer::Read(Parsed(step));
  if (!pre_tokenizer.ok()) return pre_tokenizer.error().message;
  Pieces pieces;
  Pieces scratch;
  pre_tokenizer->Apply({text, origin}, pieces, scratch);
  std::string joined;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0) joined += '/';
    joined += pieces[i].text;
  }
  return joined;
}

TEST(PipelinePreTokenizerTest, CutsLikeTokenizers) {
  for (const auto& [step, text, pieces] : kCases) {
    EXPECT_EQ(PiecesOf(step, text, DecodeUtf8(text, 0).length), pieces)
        << step << " of \"" << text << "\"";
  }
}

TEST(PipelinePreTokenizerTest, OnlyTheStartOfTheTextIsFirst) {
  constexpr std::string_view kFirst = R"({"type": "Metaspace",
      "replacement": "_", "prepend_scheme": "first"})";
  EXPECT_EQ(PiecesOf(kFirst, "a b", 1), "_a/_b");
  EXPECT_EQ(PiecesOf(kFirst, "a b", 0), "a/_b");
}

TEST(PipelinePreTokenizerTest, BytesThatAreNoUtf8AreOthers) {
  EXPECT_EQ(PiecesOf(R"({"type": "Whitespace"})", "a\xff b", 1), "a/\xff/b");
  EXPECT_EQ(PiecesOf(R"({"type": "BertPreTokenizer"})", "a\xff,b", 1),
            "a\xff/,/b");
  EXPECT_EQ(PiecesOf(R"({"type": "FixedLength", "length": 1})", "a\xff", 1),
            "a/\xff");
}

TEST(PipelinePreTokenizerTest, WrongStepsAreRefusedByName) {
  const struct {
    std::string_view step;
    std::string_view error;
  } cases[] = {
      {R"({"type": "Jieba"})",
       "pre_tokenizer Jieba: this step is not supported"},
      {R"({"type": "Split", "pattern": {"String": "a"}})",
       "pre_tokenizer Split: behavior is missing"},
      {R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Doubled"})",
       "pre_tokenizer Split: behavior: \"Doubled\" is none of \"Removed\", "
       "\"Isolated\", \"MergedWithPrevious\", \"MergedWithNext\", "
       "\"Contiguous\""},
      {R"({"type": "Split", "behavior": "Removed"})",
       "pre_tokenizer Split: pattern: expected {\"String\": ...} or "
       "{\"Regex\": ...}"},
      {R"({"type": "CharDelimiterSplit"})",
       "pre_tokenizer CharDelimiterSplit: delimiter is missing"},
      {R"({"type": "CharDelimiterSplit", "delimiter": "ab"})",
       "pre_tokenizer CharDelimiterSplit: delimiter: \"ab\" is not one "
       "character"},
      {R"({"type": "FixedLength", "length": 0})",
       "pre_tokenizer FixedLength: length: 0 is not in [1, 1073741824]"},
      {R"({"type": "Metaspace", "add_prefix_space": false,
           "prepend_scheme": "always"})",
       "pre_tokenizer Metaspace: add_prefix_space is false and prepend_scheme "
       "not never"},
      {R"({"type": "Digits", "individual_digits": "yes"})",
       "pre_tokenizer Digits: individual_digits: expected a boolean, found a "
       "string"},
      {R"({"type": "Whitespace", "lines": true})",
       "pre_tokenizer Whitespace: the option lines is not known"},
  };
  for (const auto& [step, error] : cases) {
    EXPECT_EQ(PiecesOf(step, "a", 1), error);
  }
}

}  // namespace
}  // namespace braid
