#include "convert/conversion.h"

#include <cstring>

#include "convert/families.h"
#include "convert/folder_for_test.h"
#include "gguf/file.h"
#include "tensor/codec.h"

namespace braid::convert {

namespace {

constexpr const char* kConfig = R"({"architectures": ["LlamaForCausalLM"],
  "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
  "num_attention_heads": 2, "max_position_embeddings": 128, "vocab_size": 8,
  "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": [2, 3]})";

constexpr const char* kTokenizer = R"({"pre_tokenizer": {"type": "ByteLevel"},
  "model": {"type": "BPE", "merges": [],
            "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4}}})";

class ConversionTest : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    Write("config.json", kConfig);
    Write("tokenizer.json", kTokenizer);
    const std::string layer = "model.layers.0.";
    tensors_ = {Ramp("model.embed_tokens.weight", {8, 32}),
                Ramp("model.norm.weight", {32}),
                Ramp(layer + "input_layernorm.weight", {32}),
                Ramp(layer + "post_attention_layernorm.weight", {32})};
    for (const char* name : {"q", "k", "v", "o"}) {
      tensors_.push_back(
          Ramp(layer + Format("self_attn.{}_proj.weight", name), {32, 32}));
    }
    for (const char* name : {"gate", "up"}) {
      tensors_.push_back(
          Ramp(layer + Format("mlp.{}_proj.weight", name), {64, 32}));
    }
    tensors_.push_back(Ramp(layer + "mlp.down_proj.weight", {32, 64}));
    WriteTensors();
  }
  void WriteTensors() const {
    Write("model.safetensors", SafetensorsFile(tensors_));
  }

  // Plans, writes and opens; nothing if a step fails.
  std::optional<gguf::File> Convert(const ConversionOptions& options) const {
    const auto conversion = Conversion::Plan(folder_, options);
    EXPECT_TRUE(conversion.ok()) << conversion.error().message;
    if (!conversion.ok()) return std::nullopt;
    const Status written =
        conversion->Write(Path("out.gguf"), 2,
                          [](const gguf::TensorInfo&, uint64_t, uint64_t) {});
    EXPECT_TRUE(written.ok()) << written.error().message;
    auto file = gguf::File::Open(Path("out.gguf"));
    EXPECT_TRUE(file.ok()) << file.error().message;
    if (!file.ok()) return std::nullopt;
    return std::move(*file);
  }
  std::string PlanError() const {
    const auto conversion = Conversion::Plan(folder_, {});
    return conversion.ok() ? "none" : conversion.error().message;
  }

  std::vector<F32Tensor> tensors_;
};

TEST_F(ConversionTest, WritesMetadataAndTensors) {
  const auto file = Convert({});
  ASSERT_TRUE(file);
  EXPECT_EQ(*file->GetString("general.architecture"), "llama");
  EXPECT_EQ(*file->GetInt("general.file_type"), 0);
  EXPECT_EQ(*file->GetInt("llama.attention.head_count_kv"), 2);
  EXPECT_EQ(*file->GetFloat("llama.rope.freq_base"), 10000.0);
  EXPECT_EQ(*file->GetInt("tokenizer.ggml.bos_token_id"), 1);
  EXPECT_EQ(*file->GetInt("tokenizer.ggml.eos_token_id"), 2);
  // Filled up to the rows of the embedding.
  const auto* tokens =
      std::get_if<gguf::Array>(file->Find("tokenizer.ggml.tokens"));
  ASSERT_NE(tokens, nullptr);
  EXPECT_EQ(gguf::Count(*tokens), 8u);
  EXPECT_EQ(file->tensors().size(), tensors_.size());
  const auto* down = file->FindTensor("blk.0.ffn_down.weight");
  ASSERT_NE(down, nullptr);
  EXPECT_EQ(down->shape, (std::vector<uint64_t>{64, 32}));
  EXPECT_EQ(std::memcmp(file->Data(*down).data(), tensors_.back().values.data(),
                        down->size),
            0);
  // Rows of the first head in pairs: 0, 8, 1, 9, ...
  const auto* query = file->FindTensor("blk.0.attn_q.weight");
  ASSERT_NE(query, nullptr);
  float second_row = 0;
  std::memcpy(&second_row, file->Data(*query).data() + 32 * sizeof(float),
              sizeof second_row);
  EXPECT_EQ(second_row, 0.25f * 8 * 32);
}

TEST_F(ConversionTest, EveryTypeIsThatOfTheCodec) {
  struct Case {
    OutputType wanted;
    DType type;
    int file_type;
  };
  for (const auto& [wanted, type, file_type] :
       {Case{OutputType::kF16, DType::kF16, 1},
        Case{OutputType::kBF16, DType::kBF16, 32},
        Case{OutputType::kQ8_0, DType::kQ8_0, 7}}) {
    const auto file = Convert({.type = wanted});
    ASSERT_TRUE(file);
    EXPECT_EQ(*file->GetInt("general.file_type"), file_type);
    const auto* norm = file->FindTensor("output_norm.weight");
    EXPECT_EQ(norm->type, static_cast<uint32_t>(DType::kF32));
    const auto* down = file->FindTensor("blk.0.ffn_down.weight");
    ASSERT_EQ(down->type, static_cast<uint32_t>(type));
    const std::vector<float>& values = tensors_.back().values;
    std::vector<std::byte> expected(down->size);
    EncodeRow(type, values.data(), static_cast<int64_t>(values.size()),
              expected.data());
    EXPECT_EQ(
        std::memcmp(file->Data(*down).data(), expected.data(), down->size), 0);
  }
}

TEST_F(ConversionTest, VocabularyOnlyNeedsNoWeights) {
  std::filesystem::remove(Path("model.safetensors"));
  const auto file = Convert({.vocabulary_only = true});
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->tensors().empty());
  EXPECT_EQ(*file->GetString("tokenizer.ggml.pre"), "gpt-2");
}

TEST_F(ConversionTest, PlanningWritesNothing) {
  const auto conversion = Conversion::Plan(folder_, {});
  ASSERT_TRUE(conversion.ok());
  EXPECT_EQ(conversion->contents().tensors.size(), tensors_.size());
  EXPECT_FALSE(std::filesystem::exists(Path("out.gguf")));
}

TEST_F(ConversionTest, ErrorsNameTheThing) {
  Write("config.json", R"({"architectures": ["OtherForCausalLM"]})");
  EXPECT_NE(PlanError().find("OtherForCausalLM is not supported"),
            std::string::npos);
  EXPECT_NE(PlanError().find("LlamaForCausalLM"), std::string::npos);
  Write("config.json", R"({"architectures": ["LlamaForCausalLM"]})");
  EXPECT_NE(PlanError().find("num_hidden_layers"), std::string::npos);
  Write("config.json", kConfig);
  Write("tokenizer.json", R"({"pre_tokenizer": {"type": "ByteLevel"},
    "model": {"type": "BPE", "merges": [], "vocab": {"a": 8}}})");
  EXPECT_NE(PlanError().find("9 tokens"), std::string::npos) << PlanError();
  std::filesystem::remove(Path("tokenizer.json"));
  EXPECT_NE(PlanError().find("no tokenizer"), std::string::npos);
  Write("tokenizer.json", kTokenizer);
  tensors_.push_back(Ramp("model.layers.0.surprise", {4}));
  WriteTensors();
  EXPECT_NE(PlanError().find("model.layers.0.surprise"), std::string::npos);
}

TEST_F(ConversionTest, NumbersOutOfRangeAreRefused) {
  const std::string config = kConfig;
  for (const char* given :
       {R"("num_hidden_layers": -1)", R"("hidden_size": 1e300)",
        R"("num_attention_heads": 0)", R"("num_attention_heads": "two")",
        R"("head_dim": 2000000000)", R"("partial_rotary_factor": 1e300)",
        R"("rope_theta": null, "rope_scaling": {"type": "dynamic9"})"}) {
    Write("config.json",
          Format("{}, {}}", config.substr(0, config.size() - 1), given));
    EXPECT_NE(PlanError().find("config.json"), std::string::npos) << given;
  }
  Write("config.json", kConfig);
  tensors_[0] = Ramp("model.embed_tokens.weight", {0, 32});
  WriteTensors();
  EXPECT_NE(PlanError().find("no elements"), std::string::npos);
}

// Every family must live with a config that says nothing but its name.
TEST(Families, SilentConfigsGiveErrorsAndNothingWorse) {
  for (const Family& family : Families()) {
    auto root = Json::Parse(
        Format(R"({"architectures": ["{}"]})", family.hf_architecture));
    ASSERT_TRUE(root.ok());
    const HfConfig config(std::move(*root));
    Recipe recipe("nowhere", config, nullptr, family.architecture);
    family.describe(recipe);
    EXPECT_FALSE(config.status().ok()) << family.hf_architecture;
  }
}

TEST(Families, CodestralIsNotAnyMamba2) {
  const auto architecture = [](std::string_view text) {
    const HfConfig config(*Json::Parse(text));
    const auto family = FindFamily(config);
    Recipe recipe("nowhere", config, nullptr, (*family)->architecture);
    (*family)->describe(recipe);
    EXPECT_TRUE(config.status().ok());
    for (const auto& [key, value] : recipe.metadata.pairs()) {
      if (key == "mamba2.ssm.group_count") return ValueText(value);
    }
    return std::string((*family)->architecture);
  };
  EXPECT_EQ(architecture(R"({"dim": 128, "n_layers": 1, "n_groups": 8,
                             "model_type": "mamba"})"),
            "8");
  EXPECT_EQ(architecture(R"({"architectures": ["Mamba2ForCausalLM"],
                             "hidden_size": 128, "num_hidden_layers": 1})"),
            "1");
  EXPECT_EQ(architecture(R"({"d_model": 128, "n_layer": 1,
                             "ssm_cfg": {"layer": "Mamba2"}})"),
            "1");
  EXPECT_EQ(architecture(R"({"d_model": 128, "n_layer": 1})"), "mamba");
}

}  // namespace

}  // namespace braid::convert
