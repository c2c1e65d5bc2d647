#include "tokenizer/pipeline_decoder.h"

#include <gtest/gtest.h>

namespace braid {
namespace {

// The step of a row.
Json Parsed(std::string_view json) {
  auto parsed = Json::Parse(json);
  EXPECT_TRUE(parsed.ok()) << json << ": " << parsed.error().message;
  return parsed.ok() ? std::move(parsed).value() : Json();
}

// The expected texts are what `tokenizers` 0.23.3 makes, with the row's step as
// its only decoder.
struct Case {
  std::string_view step;
  std::vector<std::string> tokens;
  std::string_view expected;
};

TEST(PipelineDecoderTest, DecodesLikeTokenizers) {
  const Case cases[] = {
      {R"({"type": "Replace", "pattern": {"String": ""}, "content": "-"})",
       {"ab", "c"},
       "-a-b--c-"},
      {R"(null)", {"a", "b", "c"}, "a b c"},
      {R"({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets":
        true, "use_regex": true})",
       {"Ġa", "Ã", "©", "Ċ"},
       " aé\n"},
      {R"({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets":
        true, "use_regex": true})",
       {"a b", "Ġ"},
       "a b "},
      {R"({"type": "WordPiece", "prefix": "##", "cleanup": true})",
       {"do", "##n", "'t", "he", "'", "s", ",", "do not", "."},
       "don 't he ' s, don't."},
      {R"({"type": "WordPiece", "prefix": "##", "cleanup": false})",
       {"##a", "##b", "c", "."},
       "##ab c ."},
      {R"({"type": "WordPiece", "prefix": "@@", "cleanup": true})",
       {"a", "@@b", "##c", "?"},
       "ab ##c?"},
      {R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme":
        "always", "split": true})",
       {"▁a", "▁b", "c▁"},
       "a bc "},
      {R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme":
        "first", "split": true})",
       {"▁a▁", "▁b"},
       "a b"},
      {R"({"type": "Metaspace", "replacement": "_", "prepend_scheme":
        "never", "split": true})",
       {"_a", "_b"},
       " a b"},
      {R"({"type": "BPEDecoder", "suffix": "</w>"})",
       {"a", "b</w>", "c</w>d", "e</w>"},
       "ab c de"},
      {R"({"type": "Replace", "pattern": {"String": "▁"}, "content": " "})",
       {"▁a", "b▁"},
       " ab "},
      {R"({"type": "Replace", "pattern": {"Regex": "[0-9]+"}, "content":
        "#"})",
       {"a12", "3b4"},
       "a##b#"},
      {R"({"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type":
        "Replace", "pattern": {"String": "ab"}, "content": "-"}]})",
       {"a", "b", "a"},
       "-a"},
      {R"({"type": "Strip", "content": " ", "start": 1, "stop": 0})",
       {"  a", " b "},
       " ab "},
      {R"({"type": "Strip", "content": "é", "start": 1, "stop": 2})",
       {"ééaéé"},
       "éa"},
      {R"({"type": "ByteFallback"})",
       {"<0x61>", "<0xC3>", "<0xA9>", "<0xc3>", "<0xa9>", "b", "<0x6>",
        "<0x0G>"},
       "aééb<0x6><0x0G>"},
      {R"({"type": "Sequence", "decoders": [{"type": "ByteFallback"},
        {"type": "CTC", "cleanup": false}]})",
       {"<0x40>", "<0x40>", "8", "8", "<0x40>", "@"},
       "@@8@"},
      {R"({"type": "Sequence", "decoders": [{"type": "ByteFallback"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})",
       {"<0x20>", "<0x20>", "a", "<0x20>"},
       " a"},
      {R"({"type": "CTC", "pad_token": "<pad>", "word_delimiter_token":
        "|", "cleanup": true})",
       {"<pad>", "h", "h", "<pad>", "h", "|", "|", "a", "<pad>", ".", "x ."},
       "hh a.x."},
      {R"({"type": "CTC", "pad_token": "<p>", "word_delimiter_token": "|",
        "cleanup": false})",
       {"a", "<p>", "a", "|", "b", " ."},
       "aa|b ."},
      {R"({"type": "Sequence", "decoders": [{"type": "Replace", "pattern":
        {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
        {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1,
        "stop": 0}]})",
       {"▁a", "<0xC3>", "<0xA9>", "▁ b"},
       "aé  b"},
  };
  for (const auto& [step, tokens, expected] : cases) {
    const auto decoder = PipelineDecoder::Read(Parsed(step));
    ASSERT_TRUE(decoder.ok()) << step << ": " << decoder.error().message;
    EXPECT_EQ(decoder->Decode(tokens), expected) << step;
  }
}

TEST(PipelineDecoderTest, InsideATextNoTokenIsFirstOrLast) {
  const struct {
    std::string_view step;
    std::string token;
    std::string_view expected;
  } cases[] = {
      {R"(null)", "a", " a"},
      {R"({"type": "WordPiece"})", "a", " a"},
      {R"({"type": "WordPiece"})", "##a", "a"},
      {R"({"type": "Metaspace"})", "\u2581a", " a"},
      {R"({"type": "BPEDecoder"})", "a</w>", "a "},
      {R"({"type": "Sequence", "decoders": [{"type": "Fuse"},
           {"type": "Strip", "content": " ", "start": 1}]})",
       " a", " a"},
  };
  for (const auto& [step, token, expected] : cases) {
    const auto decoder = PipelineDecoder::Read(Parsed(step));
    ASSERT_TRUE(decoder.ok()) << step << ": " << decoder.error().message;
    EXPECT_EQ(decoder->DecodeInside(token), expected) << step;
  }
}

// `tokenizers` puts U+FFFD there.
TEST(PipelineDecoderTest, BytesThatAreNoUtf8Stay) {
  const auto decoder =
      PipelineDecoder::Read(Parsed(R"({"type": "ByteFallback"})"));
  ASSERT_TRUE(decoder.ok());
  EXPECT_EQ(decoder->Decode({"a", "<0xFF>", "b"}),
            "a\xff"
            "b");
}

TEST(PipelineDecoderTest, WrongStepsAreRefusedByName) {
  const struct {
    std::string_view step;
    std::string_view error;
  } cases[] = {
      {R"({"type": "Morse"})", "decoder Morse: this step is not supported"},
      {R"({"type": "WordPiece", "prefix": 2})",
       "decoder WordPiece: prefix: expected a string, found a number"},
      {R"({"type": "Strip", "content": "ab"})",
       "decoder Strip: content: expected one character"},
      {R"({"type": "Strip", "start": 0.5})",
       "decoder Strip: start: expected a whole number, found a number"},
      {R"({"type": "Strip", "stop": -1})",
       "decoder Strip: stop: -1 is not in [0, 1073741824]"},
      {R"({"type": "BPEDecoder", "suffix": ""})",
       "decoder BPEDecoder: an empty suffix is not supported"},
      {R"({"type": "Fuse", "glue": "-"})",
       "decoder Fuse: the option glue is not known"},
  };
  for (const auto& [step, error] : cases) {
    const auto decoder = PipelineDecoder::Read(Parsed(step));
    ASSERT_FALSE(decoder.ok()) << step;
    EXPECT_EQ(decoder.error().message, error);
  }
}

}  // namespace
}  // namespace braid
