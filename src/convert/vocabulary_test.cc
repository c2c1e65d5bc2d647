// Vocabularies from the files that folders have them in.
#include <gtest/gtest.h>

#include "convert/pre_tokenizer.h"
#include "convert/tokenizer_json.h"
#include "convert/vocabulary_draft.h"
#include "convert/word_lists.h"

namespace braid::convert {

namespace {

Json ParseJson(std::string_view text) {
  Result<Json> json = Json::Parse(text);
  EXPECT_TRUE(json.ok()) << json.error().message;
  return json.ok() ? std::move(*json) : Json();
}

TEST(TokenizerJson, ByteLevelWithBothFormsOfMerges) {
  for (const char* merges :
       {R"(["a b", "ab c"])", R"([["a", "b"], ["ab", "c"]])"}) {
    std::string text = R"({"pre_tokenizer": {"type": "ByteLevel"},
      "added_tokens": [{"id": 5, "content": "<|end|>", "special": true},
                       {"id": 7, "content": "<tool>", "special": false}],
      "model": {"type": "BPE", "merges": )";
    text += merges;
    text += R"(, "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4}}})";
    VocabularyDraft draft;
    const Status read = ReadTokenizerJson(ParseJson(text), draft);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(draft.model, "gpt2");
    EXPECT_EQ(draft.pre, "gpt-2");
    EXPECT_EQ(draft.merges, (std::vector<std::string>{"a b", "ab c"}));
    ASSERT_EQ(draft.size(), 8u);
    EXPECT_EQ(draft.text(3), "ab");
    EXPECT_EQ(draft.type(5), TokenType::kControl);
    EXPECT_EQ(draft.text(6), "[PAD6]");
    EXPECT_EQ(draft.type(6), TokenType::kUnused);
    EXPECT_EQ(draft.type(7), TokenType::kUserDefined);
  }
}

TEST(TokenizerJson, SentencePieceLike) {
  const Json json = ParseJson(R"({
    "normalizer": {"type": "Sequence", "normalizers": [
      {"type": "Prepend", "prepend": "\u2581"}]},
    "post_processor": {"type": "TemplateProcessing", "single": [
      {"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
      "special_tokens": {"<s>": {"id": "<s>", "ids": [5], "tokens": ["<s>"]}}},
    "added_tokens": [{"id": 0, "content": "<unk>", "special": true},
                     {"id": 6, "content": "\u2581x", "special": false}],
    "model": {"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
      "merges": [["a", "b"]],
      "vocab": {"<unk>": 0, "<0x0A>": 1, "a": 2, "b": 3, "ab": 4}}})");
  EXPECT_TRUE(IsSentencePieceLike(json));
  VocabularyDraft draft;
  const Status read = ReadTokenizerJson(json, draft);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(draft.model, "llama");
  EXPECT_TRUE(draft.merges.empty());
  EXPECT_TRUE(draft.has_scores);
  EXPECT_EQ(draft.add_space_prefix, true);
  EXPECT_EQ(draft.add_bos, true);
  EXPECT_EQ(draft.add_eos, false);
  EXPECT_EQ(draft.type(0), TokenType::kUnknown);
  EXPECT_EQ(draft.type(1), TokenType::kByte);
  EXPECT_EQ(draft.text(6), " x");
}

TEST(TokenizerJson, UnigramAndWordPiece) {
  VocabularyDraft unigram;
  // "AAEC" is the bytes 0, 1, 2.
  Status read = ReadTokenizerJson(ParseJson(R"({
    "normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAEC"},
    "pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "always"},
    "model": {"type": "Unigram", "unk_id": 1,
              "vocab": [["<pad>", 0], ["<unk>", 0], ["\u2581a", -1.5]]}})"),
                                  unigram);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(unigram.model, "t5");
  EXPECT_EQ(unigram.charsmap, std::string("\0\1\2", 3));
  EXPECT_EQ(unigram.ids.at("unknown"), 1);

  VocabularyDraft words;
  read = ReadTokenizerJson(ParseJson(R"({
    "normalizer": {"type": "BertNormalizer", "lowercase": false},
    "model": {"type": "WordPiece", "unk_token": "[UNK]",
              "vocab": {"[UNK]": 0, "a": 1, "##b": 2}}})"),
                           words);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(words.model, "bert");
  EXPECT_EQ(words.lowercase, false);
  EXPECT_EQ(words.text(0), "[UNK]");
  EXPECT_EQ(words.text(1), "\u2581a");
  EXPECT_EQ(words.text(2), "b");
}

TEST(TokenizerJson, RefusesWhatItDoesNotKnow) {
  for (const char* text :
       {R"({"model": {"type": "Other", "vocab": {}}})",
        R"({"model": {"type": "WordLevel", "vocab": {"a": 0, "b": 0}}})",
        R"({"pre_tokenizer": {"type": "ByteLevel"},
            "model": {"type": "BPE", "merges": 3, "vocab": {}}})",
        R"({"pre_tokenizer": {"type": "ByteLevel"},
            "model": {"type": "BPE", "merges": [["a"]], "vocab": {}}})",
        R"({"pre_tokenizer": {"type": "ByteLevel"},
            "model": {"type": "BPE", "merges": [], "vocab": {"a": -1}}})",
        R"({"pre_tokenizer": {"type": "ByteLevel"},
            "model": {"type": "BPE", "merges": [],
                      "vocab": {"a": 1000000000000}}})",
        R"({"model": {"type": "Unigram", "vocab": [["a"]]}})",
        R"({"normalizer": {"type": "Precompiled",
                           "precompiled_charsmap": "*"},
            "model": {"type": "Unigram", "vocab": []}})"}) {
    VocabularyDraft draft;
    EXPECT_FALSE(ReadTokenizerJson(ParseJson(text), draft).ok()) << text;
  }
}

TEST(PreTokenizer, IsRecognisedByItsDefinition) {
  const auto llama3 = ParseJson(R"({"pre_tokenizer": {"type": "Sequence",
    "pretokenizers": [{"type": "Split", "pattern": {"Regex":
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
      {"type": "ByteLevel", "use_regex": false}]},
    "model": {"ignore_merges": true}})");
  EXPECT_EQ(*RecognisePreTokenizer(llama3), "llama-bpe");
  EXPECT_EQ(*RecognisePreTokenizer(ParseJson(
                R"({"normalizer": {"type": "NFC"},
                    "pre_tokenizer": {"type": "ByteLevel"}})")),
            "olmo");
  EXPECT_EQ(*RecognisePreTokenizer(ParseJson(
                R"({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                     {"type": "Digits", "individual_digits": true},
                     {"type": "ByteLevel"}]}})")),
            "smollm");
  const auto unknown = RecognisePreTokenizer(ParseJson(
      R"({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "x+"}}})"));
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("x+"), std::string::npos);
}

TEST(WordLists, ByteLevel) {
  VocabularyDraft draft;
  const Status read = ReadByteLevelLists(
      ParseJson(R"({"a": 0, "b": 1, "ab": 2})"), "#version: 0.2\na b\n",
      ParseJson(R"({"tokenizer_class": "Qwen2Tokenizer"})"), draft);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(draft.pre, "qwen2");
  EXPECT_EQ(draft.merges, std::vector<std::string>{"a b"});
  VocabularyDraft other;
  EXPECT_FALSE(ReadByteLevelLists(
                   ParseJson("{}"), "",
                   ParseJson(R"({"tokenizer_class": "OtherTokenizer"})"), other)
                   .ok());
}

TEST(WordLists, WordPiece) {
  VocabularyDraft draft;
  const Status read =
      ReadWordPieceList("[PAD]\r\n[CLS]\nword\n##s\n",
                        ParseJson(R"({"do_lower_case": false})"), draft);
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(draft.size(), 4u);
  EXPECT_EQ(draft.lowercase, false);
  EXPECT_EQ(draft.type(0), TokenType::kControl);
  EXPECT_EQ(draft.text(2), "\u2581word");
  EXPECT_EQ(draft.text(3), "s");
  EXPECT_EQ(draft.ids.at("cls"), 1);
}

TEST(WordLists, Rwkv) {
  VocabularyDraft draft;
  const Status read = ReadRwkvList(
      "1 '\\x00' 1\n2 ' ' 1\n3 '\\u00e4' 2\n4 b'\\xff\\n' 2\n5 \"it's\" 4\n",
      draft);
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(draft.size(), 6u);
  EXPECT_EQ(draft.text(0), "<s>");
  EXPECT_EQ(draft.text(1), "\\x00");
  EXPECT_EQ(draft.text(2), " ");
  EXPECT_EQ(draft.text(3), "\\xc3\\xa4");
  EXPECT_EQ(draft.text(4), "\\xff\\n");
  EXPECT_EQ(draft.text(5), "it's");
  for (const char* damaged :
       {"1", "1 'a'", "x 'a' 1", "1 'a' 2", "1 'a 1", "1 '\\' 1", "1 '\\x' 1",
        "1 '\\U00110000' 4", "-1 'a' 1", "1  1", "1 ' 1"}) {
    VocabularyDraft other;
    EXPECT_FALSE(ReadRwkvList(damaged, other).ok()) << damaged;
  }
}

}  // namespace

}  // namespace braid::convert
