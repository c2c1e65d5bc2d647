// What the small files of a folder say is in the file that is made of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "convert/conversion.h"
#include "convert/folder_for_test.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "tokenizer/load.h"

namespace braid::convert {

namespace {

constexpr const char* kConfig = R"({"architectures": ["Qwen3ForCausalLM"],
  "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
  "num_attention_heads": 2, "num_key_value_heads": 2,
  "max_position_embeddings": 128, "vocab_size": 8, "rms_norm_eps": 1e-5})";

// Tokens 3 to 7 are special: <e0> to <e4>.
constexpr const char* kTokenizer = R"({"version": "1.0",
  "added_tokens": [
    {"id": 3, "content": "<e0>", "special": true, "normalized": false,
     "single_word": false, "lstrip": false, "rstrip": false},
    {"id": 4, "content": "<e1>", "special": true, "normalized": false,
     "single_word": false, "lstrip": false, "rstrip": false},
    {"id": 5, "content": "<e2>", "special": true, "normalized": false,
     "single_word": false, "lstrip": false, "rstrip": false},
    {"id": 6, "content": "<e3>", "special": true, "normalized": false,
     "single_word": false, "lstrip": false, "rstrip": false},
    {"id": 7, "content": "<e4>", "special": true, "normalized": false,
     "single_word": false, "lstrip": false, "rstrip": false}],
  "normalizer": null,
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false,
                    "trim_offsets": true, "use_regex": true},
  "post_processor": null,
  "decoder": {"type": "ByteLevel", "add_prefix_space": true,
              "trim_offsets": true, "use_regex": true},
  "model": {"type": "BPE", "dropout": null, "unk_token": null,
            "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "merges": [["h", "i"]], "vocab": {"h": 0, "i": 1, "hi": 2}}})";

class FolderFilesTest : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    Write("config.json", kConfig);
    Write("tokenizer.json", kTokenizer);
  }

  void WriteIn(const std::string& folder, const std::string& name,
               std::string_view bytes) const {
    std::filesystem::create_directory(Path(folder));
    Write(folder + "/" + name, bytes);
  }

  Result<Conversion> Plan() const {
    return Conversion::Plan(
        folder_, {.type = OutputType::kAuto, .vocabulary_only = true});
  }
  std::string PlanError() const {
    const auto conversion = Plan();
    return conversion.ok() ? "none" : conversion.error().message;
  }
  // Keys and tokenizer of the file; a failure of the test if there is none.
  void Convert() {
    const auto conversion = Plan();
    ASSERT_TRUE(conversion.ok()) << conversion.error().message;
    notices_ = conversion->notices();
    auto header = gguf::EncodeHeader(conversion->contents());
    ASSERT_TRUE(header.ok()) << header.error().message;
    bytes_ = std::move(header->bytes);
    auto file = gguf::File::Parse(bytes_);
    ASSERT_TRUE(file.ok()) << file.error().message;
    file_.emplace(std::move(*file));
    auto tokenizer = LoadTokenizer(*file_);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    tokenizer_ = std::move(*tokenizer);
  }
  bool Noted(std::string_view part) const {
    return std::ranges::any_of(notices_, [part](const std::string& notice) {
      return notice.find(part) != std::string::npos;
    });
  }

  std::vector<std::byte> bytes_;
  std::optional<gguf::File> file_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::vector<std::string> notices_;
};

// A SentencePiece model of byte-pair encoding, in protocol buffers' wire form.
class PieceModel {
 public:
  enum Type : char { kNormal = 1, kUnknown = 2, kControl = 3 };

  PieceModel& Add(std::string_view text, float score, Type type) {
    std::string piece = Field(1, text);
    piece += '\x15';
    std::array<char, sizeof score> bytes;
    std::memcpy(bytes.data(), &score, sizeof score);
    piece.append(bytes.data(), bytes.size());
    piece += {'\x18', type};
    model_ += Field(1, piece);
    return *this;
  }
  // The trainer's model_type 2 (BPE); no rewriting of texts and no space before
  // them.
  std::string Bytes() const {
    return model_ + Field(2, std::string("\x18\x02", 2)) +
           Field(3, Field(1, "identity") +
                        std::string("\x18\x00\x20\x00\x28\x01", 6));
  }

 private:
  static std::string Field(int number, std::string_view bytes) {
    std::string field = {static_cast<char>(number << 3 | 2),
                         static_cast<char>(bytes.size())};
    return field.append(bytes);
  }

  std::string model_;
};

TEST_F(FolderFilesTest, AddedTokensJsonExtendsASentencePieceModel) {
  std::filesystem::remove(Path("tokenizer.json"));
  Write("tokenizer.model", PieceModel()
                               .Add("<unk>", 0, PieceModel::kUnknown)
                               .Add("<s>", 0, PieceModel::kControl)
                               .Add("</s>", 0, PieceModel::kControl)
                               .Add("hi", -1, PieceModel::kNormal)
                               .Add("h", -2, PieceModel::kNormal)
                               .Add("i", -3, PieceModel::kNormal)
                               .Bytes());
  Write("added_tokens.json", R"({"<|im_end|>": 6, "<|im_start|>": 7})");
  Write("tokenizer_config.json",
        R"({"bos_token": "<s>", "eos_token": "<|im_end|>",
            "add_bos_token": false})");
  Convert();
  ASSERT_NE(tokenizer_, nullptr);
  EXPECT_EQ(tokenizer_->vocabulary_size(), 8);
  EXPECT_EQ(tokenizer_->eos(), 6);
  EXPECT_EQ(tokenizer_->Encode("<|im_start|>hi", {}),
            (std::vector<TokenId>{7, 3}));
  EXPECT_TRUE(tokenizer_->IsControl(7));
}

TEST_F(FolderFilesTest, AddedTokensAndVocabularyMustAgree) {
  Write("added_tokens.json", R"({"<e0>": 4})");
  EXPECT_NE(PlanError().find("added_tokens.json: token 4 is \"<e0>\", but in "
                             "the vocabulary it is \"<e1>\""),
            std::string::npos)
      << PlanError();
  Write("added_tokens.json", R"({"<e0>": 8})");
  EXPECT_NE(PlanError().find("added_tokens.json: \"<e0>\" is token 8, but in "
                             "the vocabulary it is 3"),
            std::string::npos)
      << PlanError();
  Write("added_tokens.json", R"({"<new>": 4})");
  EXPECT_NE(PlanError().find("added_tokens.json: token 4 is \"<new>\""),
            std::string::npos)
      << PlanError();
  Write("added_tokens.json", R"({"<e0>": 3, "<e1>": 4})");
  EXPECT_EQ(PlanError(), "none");
}

TEST_F(FolderFilesTest, AddedTokensJsonExtendsATokenizerJson) {
  Write("added_tokens.json", R"({"<|new|>": 8, "<e0>": 3})");
  Convert();
  ASSERT_NE(tokenizer_, nullptr);
  EXPECT_EQ(tokenizer_->vocabulary_size(), 9);
  EXPECT_EQ(tokenizer_->Encode("<|new|>hi<e0>", {}),
            (std::vector<TokenId>{8, 2, 3}));
}

TEST_F(FolderFilesTest, ATokenThatIsNamedAndMissingIsAnError) {
  Write("tokenizer_config.json", R"({"eos_token": "<|im_end|>"})");
  EXPECT_NE(PlanError().find("tokenizer_config.json: eos_token: "
                             "\"<|im_end|>\" is no token of the vocabulary"),
            std::string::npos)
      << PlanError();
  Write("tokenizer_config.json", "{}");
  Write("special_tokens_map.json",
        R"({"pad_token": {"content": "<pad>", "lstrip": false}})");
  EXPECT_NE(PlanError().find("special_tokens_map.json: pad_token: \"<pad>\""),
            std::string::npos)
      << PlanError();
  Write("special_tokens_map.json", "{}");
  Write("generation_config.json", R"({"eos_token_id": [3, 70]})");
  EXPECT_NE(PlanError().find("generation_config.json: eos_token_id: 70 is no "
                             "token of the vocabulary, which has 8"),
            std::string::npos)
      << PlanError();
  Write("generation_config.json", R"({"eos_token_id": 3, "pad_token_id": -1})");
  EXPECT_EQ(PlanError(), "none");
}

TEST_F(FolderFilesTest, EveryEndOfGenerationConfigEndsAText) {
  Write("tokenizer_config.json", R"({"eos_token": "<e0>"})");
  Write("generation_config.json", R"({"eos_token_id": [3, 4, 5, 6]})");
  Convert();
  ASSERT_NE(tokenizer_, nullptr);
  EXPECT_EQ(tokenizer_->eos(), 3);
  for (TokenId token = 0; token < 8; ++token) {
    EXPECT_EQ(tokenizer_->IsEndOfGeneration(token), token >= 3 && token <= 6)
        << token;
  }
  EXPECT_TRUE(Noted("token 6 \"<e3>\" is in braid.tokenizer.end_token_ids"));
}

TEST_F(FolderFilesTest, TheTemplateOfTokenizerJsonWinsOverFlags) {
  Write("tokenizer_config.json",
        R"({"bos_token": "<e0>", "add_bos_token": true})");
  Convert();
  ASSERT_NE(tokenizer_, nullptr);
  EXPECT_EQ(tokenizer_->Encode("hi", {}), (std::vector<TokenId>{2}));
  EXPECT_TRUE(Noted("tokenizer_config.json: add_bos_token: true"));
}

TEST_F(FolderFilesTest, AUnigramOfTokenizerJsonEndsWithNothingOfItsOwn) {
  Write("tokenizer.json", R"({"version": "1.0", "truncation": null,
    "padding": null, "added_tokens": [
      {"id": 1, "content": "</s>", "special": true, "normalized": false,
       "single_word": false, "lstrip": false, "rstrip": false}],
    "normalizer": null,
    "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581",
                      "prepend_scheme": "always", "split": true},
    "post_processor": null,
    "decoder": {"type": "Metaspace", "replacement": "\u2581",
                "prepend_scheme": "always", "split": true},
    "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
              "vocab": [["<unk>", 0.0], ["</s>", 0.0], ["\u2581a", -1.0],
                        ["b", -2.0]]}})");
  Write("tokenizer_config.json", R"({"eos_token": "</s>"})");
  Convert();
  ASSERT_NE(tokenizer_, nullptr);
  EXPECT_EQ(tokenizer_->Encode("ab", {}), (std::vector<TokenId>{2, 3}));
}

TEST_F(FolderFilesTest, FlagsCountWhereNothingElseSaysIt) {
  std::filesystem::remove(Path("tokenizer.json"));
  Write("vocab.json", R"({"h": 0, "i": 1, "hi": 2})");
  Write("merges.txt", "#version: 0.2\nh i\n");
  Write("tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer",
    "added_tokens_decoder": {"3": {"content": "<e0>", "special": true}},
    "bos_token": "<e0>", "eos_token": "<e0>",
    "add_bos_token": true, "add_eos_token": true})");
  Convert();
  ASSERT_NE(tokenizer_, nullptr);
  EXPECT_EQ(tokenizer_->Encode("hi", {}), (std::vector<TokenId>{3, 2, 3}));
}

TEST_F(FolderFilesTest, ChatTemplatesOfEverySource) {
  const auto text = [this](std::string_view key) {
    Convert();
    const auto found = file_->GetString(key, "none");
    return found.ok() ? std::string(*found) : found.error().message;
  };
  Write("chat_template.json", R"({"chat_template": "old"})");
  EXPECT_EQ(text("tokenizer.chat_template"), "old");
  Write("tokenizer_config.json", R"({"chat_template": [
    {"name": "default", "template": "plain"},
    {"name": "tool_use", "template": "tools"},
    {"name": "rag-2", "template": "documents"}]})");
  EXPECT_EQ(text("tokenizer.chat_template"), "plain");
  EXPECT_TRUE(Noted("chat_template.json: its chat templates differ"));
  EXPECT_EQ(text("tokenizer.chat_template.tool_use"), "tools");
  EXPECT_EQ(text("tokenizer.chat_template.rag_2"), "documents");
  const auto* names =
      std::get_if<gguf::Array>(file_->Find("tokenizer.chat_templates"));
  ASSERT_NE(names, nullptr);
  EXPECT_EQ(std::get<std::vector<std::string_view>>(names->elements),
            (std::vector<std::string_view>{"rag_2", "tool_use"}));
  Write("chat_template.jinja", "newest");
  WriteIn("additional_chat_templates", "tool_use.jinja", "more");
  EXPECT_EQ(text("tokenizer.chat_template"), "newest");
  EXPECT_EQ(text("tokenizer.chat_template.tool_use"), "more");
  Write("tokenizer_config.json", R"({"chat_template": [{"name": "x"}]})");
  EXPECT_NE(PlanError().find("tokenizer_config.json: chat_template"),
            std::string::npos);
}

TEST_F(FolderFilesTest, PoolingOfADecoder) {
  const struct {
    const char* config;
    int type;
  } cases[] = {
      {R"({"pooling_mode_mean_tokens": true})", 1},
      {R"({"pooling_mode_cls_token": true,
           "pooling_mode_mean_tokens": false})",
       2},
      {R"({"pooling_mode_lasttoken": true})", 3},
      {R"({"pooling_mode": "lasttoken"})", 3},
      {R"({"pooling_mode": ["mean"]})", 1},
  };
  for (const auto& [config, type] : cases) {
    WriteIn("1_Pooling", "config.json", config);
    Convert();
    EXPECT_EQ(*file_->GetInt("qwen3.pooling_type"), type) << config;
  }
  for (const char* config :
       {"{}", R"({"pooling_mode_max_tokens": true})",
        R"({"pooling_mode_weightedmean_tokens": true})",
        R"({"pooling_mode_mean_sqrt_len_tokens": true})",
        R"({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true})",
        R"({"pooling_mode": "something"})"}) {
    WriteIn("1_Pooling", "config.json", config);
    EXPECT_NE(PlanError().find("is not supported"), std::string::npos)
        << config;
  }
}

TEST_F(FolderFilesTest, ModulesAreHonouredOrRefused) {
  WriteIn("5_Pooling", "config.json", R"({"pooling_mode_lasttoken": true})");
  const std::string start = R"([
    {"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "5_Pooling", "type": "sentence_transformers.models.Pooling"})";
  const std::string normalize =
      R"(, {"path": "2", "type": "sentence_transformers.models.Normalize"})";
  Write("modules.json", start + normalize + "]");
  Convert();
  EXPECT_EQ(*file_->GetInt("qwen3.pooling_type"), 3);
  EXPECT_FALSE(Noted("normalizes"));
  Write("modules.json", start + "]");
  Convert();
  EXPECT_TRUE(Noted("no module normalizes"));
  Write(
      "modules.json",
      start +
          R"(, {"path": "2_D", "type": "sentence_transformers.models.Dense"}])");
  EXPECT_NE(PlanError().find("sentence_transformers.models.Dense is not"),
            std::string::npos)
      << PlanError();
}

TEST_F(FolderFilesTest, SettingsOfSentenceTransformers) {
  Write("sentence_bert_config.json",
        R"({"max_seq_length": 256, "do_lower_case": false})");
  Write("config_sentence_transformers.json",
        R"({"prompts": {"query": "Query: ", "document": ""}})");
  Convert();
  EXPECT_TRUE(Noted("max_seq_length: 256"));
  EXPECT_TRUE(Noted("query \"Query: \""));
  Write("sentence_bert_config.json", R"({"do_lower_case": true})");
  EXPECT_NE(PlanError().find("do_lower_case: true"), std::string::npos);
}

TEST_F(FolderFilesTest, SamplingDefaults) {
  Write("generation_config.json",
        R"({"do_sample": true, "temperature": 0.5, "top_k": 20, "top_p": 0.75,
            "min_p": null, "num_beams": 4, "transformers_version": "5"})");
  Convert();
  EXPECT_EQ(*file_->GetFloat("general.sampling.temp"), 0.5);
  EXPECT_EQ(*file_->GetInt("general.sampling.top_k"), 20);
  EXPECT_EQ(*file_->GetFloat("general.sampling.top_p"), 0.75);
  EXPECT_EQ(file_->Find("general.sampling.min_p"), nullptr);
  EXPECT_TRUE(Noted("temperature, top_k, top_p"));
  EXPECT_TRUE(Noted("num_beams: not in the file"));
  Write("generation_config.json", R"({"do_sample": true, "top_k": "many"})");
  EXPECT_NE(PlanError().find("generation_config.json: top_k"),
            std::string::npos);
}

TEST_F(FolderFilesTest, WhatIsNotReadIsSaid) {
  Write("tekken.json", "{}");
  Write("consolidated.safetensors", "");
  Convert();
  EXPECT_TRUE(Noted("tekken.json: not read"));
  EXPECT_TRUE(Noted("consolidated.safetensors: not read"));
  std::filesystem::remove(Path("tokenizer.json"));
  EXPECT_NE(PlanError().find("tekken.json"), std::string::npos);
}

}  // namespace

}  // namespace braid::convert
