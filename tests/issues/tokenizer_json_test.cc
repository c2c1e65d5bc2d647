// Issue 13, kind 1: steps and options of a tokenizer.json that were dropped in
// silence. Each is a tiny tokenizer and what `tokenizers` 0.23.3 makes of a
// text with it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "braid/tokenizer.h"
#include "convert/conversion.h"
#include "convert/folder_for_test.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "tokenizer/load.h"
#include "tokenizer/pipeline.h"

namespace braid {

namespace {

using Ids = std::vector<TokenId>;

// The bytes of "hello" and "HELLO", three merges, an end of text.
constexpr std::string_view kByteLevelModel = R"({"type": "BPE",
  "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
  "ignore_merges": false,
  "vocab": {"h": 0, "e": 1, "l": 2, "o": 3, "H": 4, "E": 5, "L": 6, "O": 7,
            "\u0120": 8, "a": 9, "b": 10, "he": 11, "ll": 12, "hell": 13,
            "hello": 14, "\u0120b": 15},
  "merges": [["h", "e"], ["l", "l"], ["he", "ll"], ["hell", "o"],
             ["\u0120", "b"]]})";
constexpr std::string_view kByteLevel = R"({"type": "ByteLevel",
  "add_prefix_space": false, "trim_offsets": true, "use_regex": true})";
constexpr std::string_view kWordPieceModel = R"({"type": "WordPiece",
  "unk_token": "[UNK]", "continuing_subword_prefix": "##",
  "max_input_chars_per_word": 100,
  "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "cafe": 3, "東": 4, "京": 5,
            "東京": 6, "##s": 7}})";
constexpr std::string_view kAroundWords = R"({"type": "TemplateProcessing",
  "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}},
             {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
  "pair": [{"Sequence": {"id": "A", "type_id": 0}},
           {"Sequence": {"id": "B", "type_id": 0}}],
  "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]},
                     "[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}}})";

std::string AddedToken(int id, std::string_view content, std::string_view flags,
                       bool special) {
  return Format(R"({"id": {}, "content": "{}", "special": {}{}})", id, content,
                special, flags);
}

class TokenizerJsonTest : public convert::FolderTest {
 protected:
  void WriteByteLevel(std::string_view normalizer, const std::string& added,
                      std::string_view post_processor = "null") const {
    WriteTokenizer(Format(
        R"({"added_tokens": [{}], "normalizer": {}, "pre_tokenizer": {},
            "post_processor": {}, "decoder": {}, "model": {}})",
        added, normalizer, kByteLevel, post_processor, kByteLevel,
        kByteLevelModel));
  }
  void WriteWordPiece(std::string_view normalizer) const {
    WriteTokenizer(Format(
        R"({"added_tokens": [{}, {}], "normalizer": {},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
            "model": {}})",
        AddedToken(1, "[CLS]", "", true), AddedToken(2, "[SEP]", "", true),
        normalizer, kAroundWords, kWordPieceModel));
    Write("tokenizer_config.json",
          R"({"cls_token": "[CLS]", "sep_token": "[SEP]"})");
  }
  void WriteTokenizer(std::string_view json) const {
    Write("tokenizer.json", json);
    Write("config.json", R"({"architectures": ["LlamaForCausalLM"],
      "model_type": "llama", "hidden_size": 16, "intermediate_size": 32,
      "num_hidden_layers": 1, "num_attention_heads": 2,
      "num_key_value_heads": 1, "max_position_embeddings": 64,
      "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "hidden_act": "silu",
      "vocab_size": 512})");
  }

  // The folder as a file, and the file's tokenizer.
  Result<std::unique_ptr<Tokenizer>> Convert() {
    BRAID_ASSIGN(const convert::Conversion conversion,
                 convert::Conversion::Plan(folder_, {.vocabulary_only = true}));
    notices_ = conversion.notices();
    BRAID_ASSIGN(const auto header, gguf::EncodeHeader(conversion.contents()));
    BRAID_ASSIGN(const gguf::File file, gguf::File::Parse(header.bytes));
    has_pipeline_ = file.Find(kPipelineKey) != nullptr;
    return LoadTokenizer(file);
  }
  Ids Tokenize(std::string_view text) {
    const auto tokenizer = Convert();
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    return tokenizer.ok() ? (*tokenizer)->Encode(text, {}) : Ids();
  }
  std::string Refusal() {
    const auto tokenizer = Convert();
    return tokenizer.ok() ? std::string() : tokenizer.error().message;
  }

  std::vector<std::string> notices_;
  bool has_pipeline_ = false;
};

TEST_F(TokenizerJsonTest, PlainByteLevelNeedsNoKeyOfOurs) {
  WriteByteLevel("null", AddedToken(16, "<e>", "", true));
  EXPECT_EQ(Tokenize("hello<e>"), (Ids{14, 16}));
  EXPECT_FALSE(has_pipeline_);
  EXPECT_TRUE(notices_.empty());
}

TEST_F(TokenizerJsonTest, LowercaseBeforeByteLevel) {
  WriteByteLevel(R"({"type": "Lowercase"})", AddedToken(16, "<e>", "", true));
  EXPECT_EQ(Tokenize("HELLO"), (Ids{14}));
  EXPECT_TRUE(has_pipeline_);
  ASSERT_EQ(notices_.size(), 1u);
  EXPECT_NE(notices_[0].find("normalizer Lowercase"), std::string::npos)
      << notices_[0];
}

TEST_F(TokenizerJsonTest, AddedTokenTakesSpacesAlong) {
  WriteByteLevel("null", AddedToken(16, "<e>", R"(, "lstrip": true)", true));
  EXPECT_EQ(Tokenize("a <e>b"), (Ids{9, 16, 10}));
  WriteByteLevel("null", AddedToken(16, "<e>", R"(, "rstrip": true)", true));
  EXPECT_EQ(Tokenize("a<e> b"), (Ids{9, 16, 10}));
}

TEST_F(TokenizerJsonTest, AddedTokenIsAWord) {
  WriteByteLevel("null",
                 AddedToken(16, "ell", R"(, "single_word": true)", false));
  EXPECT_EQ(Tokenize("hello"), (Ids{14}));
  EXPECT_EQ(Tokenize("ell"), (Ids{16}));
}

TEST_F(TokenizerJsonTest, TemplateAddsWhatItNames) {
  WriteByteLevel("null",
                 AddedToken(16, "<e>", "", true) + ", " +
                     AddedToken(17, "<im_end>", "", true),
                 R"({"type": "TemplateProcessing",
        "single": [{"Sequence": {"id": "A", "type_id": 0}},
                   {"SpecialToken": {"id": "<e>", "type_id": 0}}],
        "pair": [],
        "special_tokens": {"<e>": {"id": "<e>", "ids": [16],
                                   "tokens": ["<e>"]}}})");
  // Another token is called the end: the template's is added all the same.
  Write("tokenizer_config.json", R"({"eos_token": "<im_end>"})");
  EXPECT_EQ(Tokenize("hello"), (Ids{14, 16}));
}

TEST_F(TokenizerJsonTest, ChineseCharactersStayTogether) {
  WriteWordPiece(R"({"type": "BertNormalizer", "clean_text": true,
      "handle_chinese_chars": false, "strip_accents": null,
      "lowercase": true})");
  EXPECT_EQ(Tokenize("東京"), (Ids{1, 6, 2}));
  EXPECT_EQ(Tokenize("Cafés"), (Ids{1, 3, 7, 2}));
}

TEST_F(TokenizerJsonTest, WordPieceWithoutNormalizer) {
  WriteWordPiece("null");
  EXPECT_EQ(Tokenize("café"), (Ids{1, 0, 2}));
  EXPECT_EQ(Tokenize("cafes"), (Ids{1, 3, 7, 2}));
}

TEST_F(TokenizerJsonTest, PlainWordPieceNeedsNoKeyOfOurs) {
  WriteWordPiece(R"({"type": "BertNormalizer", "clean_text": true,
      "handle_chinese_chars": true, "strip_accents": null,
      "lowercase": true})");
  EXPECT_EQ(Tokenize("東京"), (Ids{1, 4, 5, 2}));
  EXPECT_FALSE(has_pipeline_);
}

// The decoder takes it for the byte E9, and a token that spells no bytes for
// its text.
TEST_F(TokenizerJsonTest, AddedTokenIsDecodedToBytes) {
  WriteByteLevel("null", AddedToken(16, "\u00e9", "", false) + ", " +
                             AddedToken(17, "\u6771", "", false));
  const auto tokenizer = Convert();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->Encode("\u00e9\u6771", {}), (Ids{16, 17}));
  EXPECT_EQ((*tokenizer)->Decode(Ids{16, 17}, {}), "\xe9\u6771");
}

// The token is looked for behind NFC, as NFC writes it.
TEST_F(TokenizerJsonTest, AddedTokenIsComposedAsItsTextIs) {
  constexpr std::string_view kNfc = R"({"type": "NFC"})";
  WriteByteLevel(kNfc, AddedToken(16, "e\u0301", "", false));
  EXPECT_EQ(Tokenize("\u00e9"), (Ids{16}));
  EXPECT_EQ(Tokenize("ae\u0301"), (Ids{9, 16}));
  EXPECT_TRUE(has_pipeline_);
  WriteByteLevel(kNfc, AddedToken(16, "<e>", "", false));
  EXPECT_EQ(Tokenize("a<e>"), (Ids{9, 16}));
  EXPECT_FALSE(has_pipeline_);
}

// A BPE like SentencePiece's with a token that only the text "\u2581\u2581" is,
// not two spaces.
TEST_F(TokenizerJsonTest, AddedTokenOfSpaceMarksIsNoneOfSpaces) {
  std::string vocab;
  for (int byte = 0; byte < 256; ++byte) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto b = static_cast<size_t>(byte);
    vocab += Format(R"("<0x{}{}>": {}, )", kDigits[b / 16], kDigits[b % 16], b);
  }
  WriteTokenizer(Format(
      R"({"added_tokens": [{}], "normalizer": {"type": "Replace",
            "pattern": {"String": " "}, "content": "\u2581"},
          "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"},
             "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
          "model": {"type": "BPE", "byte_fallback": true, "merges": [],
            "vocab": {{}"\u2581": 256, "a": 257}}})",
      AddedToken(258, "\u2581\u2581", R"(, "normalized": false)", false),
      vocab));
  EXPECT_EQ(Tokenize("a  "), (Ids{257, 256, 256}));
  EXPECT_EQ(Tokenize("a\u2581\u2581"), (Ids{257, 258}));
  EXPECT_TRUE(has_pipeline_);
}

// No space is put before a text, but one is taken away.
TEST_F(TokenizerJsonTest, SpaceIsStrippedThatWasNotPut) {
  std::string vocab;
  for (int byte = 0; byte < 256; ++byte) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const auto b = static_cast<size_t>(byte);
    vocab += Format(R"("<0x{}{}>": {}, )", kDigits[b / 16], kDigits[b % 16], b);
  }
  WriteTokenizer(Format(
      R"({"normalizer": {"type": "Replace", "pattern": {"String": " "},
            "content": "\u2581"},
          "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"},
             "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
          "model": {"type": "BPE", "byte_fallback": true, "merges": [],
            "vocab": {{}"\u2581": 256, "a": 257}}})",
      vocab));
  const auto tokenizer = Convert();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->Encode(" a", {}), (Ids{256, 257}));
  EXPECT_EQ((*tokenizer)->Decode(Ids{256, 257}, {}), "a");
  EXPECT_EQ((*tokenizer)->Decode(Ids{257, 256}, {}), "a ");
}

// Both ways to cut "xjjj" score the same but for the last bit, which the
// package's way to read numbers decides.
TEST_F(TokenizerJsonTest, ScoresAreThoseThatAreRead) {
  WriteTokenizer(R"({"model": {"type": "Unigram", "unk_id": 0, "vocab": [
      ["<unk>", 0.0], ["x", -4.3], ["j", -8.585052890228752],
      ["jj", -11.064055525932513]]}})");
  EXPECT_EQ(Tokenize("xjjj"), (Ids{1, 3, 2}));
}

// The map takes the tab away; "a" then counts as what the text begins with,
// which is where "first" puts a mark.
TEST_F(TokenizerJsonTest, WhatFollowsARemovedStartIsTheStart) {
  // One key, the tab, and no replacement: charsmap.h, in base 64.
  const std::string map = "AAQAAAAE" + std::string(40, 'A') + "CQk" +
                          std::string(11, 'A') + "C" + std::string(1309, 'A');
  WriteTokenizer(Format(
      R"({"normalizer": {"type": "Precompiled", "precompiled_charsmap": "{}"},
          "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581",
            "prepend_scheme": "first", "split": true},
          "model": {"type": "WordLevel", "unk_token": "[UNK]",
            "vocab": {"[UNK]": 0, "a": 1, "\u2581a": 2}}})",
      map));
  EXPECT_EQ(Tokenize("a"), (Ids{2}));
  EXPECT_EQ(Tokenize("\ta"), (Ids{2}));
  EXPECT_EQ(Tokenize("\t\ta"), (Ids{2}));
}

// "first" puts a mark where the text begins, and a step may take that away.
TEST_F(TokenizerJsonTest, StepsKnowWhereTheTextBegins) {
  const auto write = [this](std::string_view normalizer) {
    WriteTokenizer(Format(
        R"({"normalizer": {},
            "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581",
              "prepend_scheme": "first", "split": true},
            "model": {"type": "WordLevel", "unk_token": "[UNK]",
              "vocab": {"[UNK]": 0, "a": 1, "\u2581a": 2, "\u2581\na": 3}}})",
        normalizer));
  };
  write(R"({"type": "Strip", "strip_left": false, "strip_right": true})");
  EXPECT_EQ(Tokenize("\na"), (Ids{3}));
  write(R"({"type": "Strip", "strip_left": true, "strip_right": false})");
  EXPECT_EQ(Tokenize("\na"), (Ids{1}));
  write(R"({"type": "Replace", "pattern": {"String": "ba"}, "content": "a"})");
  EXPECT_EQ(Tokenize("ba"), (Ids{1}));
  EXPECT_EQ(Tokenize("a"), (Ids{2}));
  write(R"({"type": "Replace", "pattern": {"String": "b"}, "content": "a"})");
  EXPECT_EQ(Tokenize("b"), (Ids{2}));
}

TEST_F(TokenizerJsonTest, WhatIsNotKnownIsRefusedByName) {
  WriteByteLevel(R"({"type": "Reverse"})", AddedToken(16, "<e>", "", true));
  EXPECT_NE(Refusal().find("normalizer Reverse"), std::string::npos)
      << Refusal();
  WriteByteLevel(R"({"type": "Strip", "strip_middle": true})",
                 AddedToken(16, "<e>", "", true));
  EXPECT_NE(Refusal().find("normalizer Strip: the option strip_middle"),
            std::string::npos)
      << Refusal();
  WriteByteLevel(
      R"({"type": "Replace", "pattern": {"Regex": "[a&&b]"}, "content": ""})",
      AddedToken(16, "<e>", "", true));
  EXPECT_NE(Refusal().find("an intersection of classes"), std::string::npos)
      << Refusal();
}

}  // namespace

}  // namespace braid
