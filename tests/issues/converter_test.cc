// Folders from which the converter made files that were wrong, or that no
// loader took, with exit code 0; and one that it refused for no reason.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "convert/conversion.h"
#include "engine/check_contents.h"
#include "gguf/file.h"
#include "gguf/value.h"
#include "quantize/file_type.h"
#include "quantize/plan.h"
#include "quantize/quantizer.h"
#include "tests/issues/tiny_llama.h"

namespace braid::issues {

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

class ConverterIssue : public convert::FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    WriteConfig("");
    Write("tokenizer.json", kTinyTokenizer);
    WriteTensors();
  }
  void WriteConfig(std::string_view members) const {
    Write("config.json",
          Format("{}{}}", TinyLlamaConfig("LlamaForCausalLM"), members));
  }
  void WriteTensors() const {
    Write("model.safetensors", convert::SafetensorsFile(tensors_));
  }
  convert::F32Tensor& Tensor(std::string_view part) {
    for (convert::F32Tensor& tensor : tensors_) {
      if (tensor.name.find(part) != std::string::npos) return tensor;
    }
    ADD_FAILURE() << part;
    return tensors_.front();
  }

  Result<convert::Conversion> Plan(
      convert::OutputType type = convert::OutputType::kAuto) const {
    return convert::Conversion::Plan(folder_,
                                     {.type = type, .check = CheckContents});
  }
  // "" or the error of planning and writing.
  std::string Convert(
      convert::OutputType type = convert::OutputType::kAuto) const {
    const auto conversion = Plan(type);
    if (!conversion.ok()) return conversion.error().message;
    const Status written =
        conversion->Write(Path("out.gguf"), 2,
                          [](const gguf::TensorInfo&, uint64_t, uint64_t) {});
    return written.ok() ? "" : written.error().message;
  }
  void ExpectRefused(std::string_view part) const {
    const auto conversion = Plan();
    ASSERT_FALSE(conversion.ok());
    EXPECT_NE(conversion.error().message.find(part), std::string::npos)
        << conversion.error().message;
  }

  std::vector<convert::F32Tensor> tensors_ = TinyLlamaTensors();
};

TEST_F(ConverterIssue, TheWholeModelIsPlanned) {
  EXPECT_EQ(Convert(), "");
  // A layer that is not there.
  std::string config = TinyLlamaConfig("LlamaForCausalLM");
  const std::string layers = R"("num_hidden_layers": 1)";
  config.replace(config.find(layers), layers.size(),
                 R"("num_hidden_layers": 2)");
  Write("config.json", config + "}");
  ExpectRefused("blk.1.");
  // A matrix of another shape.
  WriteConfig("");
  convert::F32Tensor& down = Tensor("down_proj");
  const convert::F32Tensor kept = down;
  down = convert::Ramp(down.name, {kWidth, kHidden + 8});
  WriteTensors();
  ExpectRefused("blk.0.ffn_down.weight: expected shape {40, 32}");
  down = kept;
  // A norm that this architecture does not have.
  tensors_.push_back(
      convert::Ramp("model.layers.0.self_attn.q_norm.weight", {kHeadSize}));
  WriteTensors();
  ExpectRefused("q_norm");
}

TEST_F(ConverterIssue, TokensWithoutARowAreLeftOut) {
  std::string tokenizer(kTinyTokenizer);
  tokenizer.insert(1, R"("added_tokens": [
      {"id": 16, "content": "<image>", "special": true}],)");
  Write("tokenizer.json", tokenizer);
  const auto conversion = Plan();
  ASSERT_TRUE(conversion.ok()) << conversion.error().message;
  ASSERT_FALSE(conversion->notices().empty());
  EXPECT_EQ(conversion->notices()[0],
            "1 token without a row of the embedding left out, the first is 16 "
            "\"<image>\"");
  EXPECT_EQ(Convert(), "");
  const auto file = gguf::File::Open(Path("out.gguf"));
  ASSERT_TRUE(file.ok());
  const auto* tokens =
      std::get_if<gguf::Array>(file->Find("tokenizer.ggml.tokens"));
  ASSERT_NE(tokens, nullptr);
  EXPECT_EQ(gguf::Count(*tokens), 16u);
  // Not one that the vocabulary is made of, nor one with a role.
  Write("tokenizer_config.json", R"({"eos_token": "<image>"})");
  ExpectRefused("token 16 \"<image>\" is the token eos");
  std::filesystem::remove(Path("tokenizer_config.json"));
  std::string larger(kTinyTokenizer);
  larger.replace(larger.find("\"ab\": 15"), 8, "\"ab\": 15, \"p\": 16");
  Write("tokenizer.json", larger);
  ExpectRefused("token 16 \"p\" is of the vocabulary itself");
}

TEST_F(ConverterIssue, TheVocabularyHasTheRowsThatTheConfigSays) {
  Tensor("embed_tokens") = convert::Ramp("model.embed_tokens.weight", {24, 32});
  Tensor("lm_head") = convert::Ramp("lm_head.weight", {24, 32});
  WriteTensors();
  ExpectRefused("vocab_size: 16, but the weights have embeddings for 24");
  WriteConfig(R"(, "pad_vocab_size_multiple": 24)");
  EXPECT_EQ(Convert(), "");
}

// What is no weight is refused in every format and on every road: as it is
// stored, converted, and after a transform (query rows are reordered).
TEST_F(ConverterIssue, NanAndInfinityAreRefused) {
  using convert::OutputType;
  for (const char* name : {"mlp.up_proj", "self_attn.q_proj", "input_layer"}) {
    convert::F32Tensor& tensor = Tensor(name);
    const float kept = tensor.values[21];
    for (const float bad : {kNan, kInfinity, -kInfinity}) {
      tensor.values[21] = bad;
      WriteTensors();
      for (const OutputType type : {OutputType::kF32, OutputType::kF16,
                                    OutputType::kBF16, OutputType::kQ8_0}) {
        const std::string error = Convert(type);
        EXPECT_NE(error.find("element 21 is "), std::string::npos) << error;
        EXPECT_NE(error.find(".weight: "), std::string::npos) << error;
        EXPECT_FALSE(std::filesystem::exists(Path("out.gguf")));
      }
    }
    tensor.values[21] = kept;
  }
}

TEST_F(ConverterIssue, OverflowIsRefusedWhereTheFormatIsNarrower) {
  using convert::OutputType;
  Tensor("mlp.up_proj").values[7] = 70000;
  WriteTensors();
  EXPECT_EQ(Convert(OutputType::kF32), "");
  EXPECT_EQ(Convert(OutputType::kBF16), "");
  for (const OutputType type : {OutputType::kF16, OutputType::kQ8_0}) {
    const std::string error = Convert(type);
    EXPECT_NE(error.find("blk.0.ffn_up.weight: element 7 is 70000; "),
              std::string::npos)
        << error;
  }
}

// The same in `quantize`, whose source may have been made by another program.
class QuantizeIssue : public ConverterIssue {
 protected:
  // "" or the error of quantizing a file with `bad` in one weight.
  std::string Quantize(float bad, std::optional<std::string_view> type) const {
    EXPECT_EQ(Convert(convert::OutputType::kF32), "");
    Patch(bad);
    const auto file = gguf::File::Open(Path("out.gguf"));
    EXPECT_TRUE(file.ok());
    quantize::QuantizeOptions options;
    if (type) options.type = *quantize::ParseFileType(*type);
    const auto plan = quantize::MakePlan(*file, options);
    EXPECT_TRUE(plan.ok());
    ThreadPool threads(1);
    const Status written = quantize::WriteQuantized(
        *file, *plan, options, Path("small.gguf"), threads, {});
    return written.ok() ? "" : written.error().message;
  }

 private:
  // Element 3 of blk.0.ffn_up.weight.
  void Patch(float bad) const {
    size_t at = 0;
    {
      const auto file = gguf::File::Open(Path("out.gguf"));
      const auto* tensor = file->FindTensor("blk.0.ffn_up.weight");
      const std::span<const std::byte> data = file->Data(*tensor);
      const auto size = std::filesystem::file_size(Path("out.gguf"));
      // The data section ends the file.
      const auto& last = file->tensors().back();
      at = size - static_cast<size_t>(file->Data(last).data() +
                                      file->Data(last).size() - data.data());
    }
    std::fstream bytes(Path("out.gguf"),
                       std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(at + 3 * sizeof bad));
    bytes.write(reinterpret_cast<const char*>(&bad), sizeof bad);
  }
};

TEST_F(QuantizeIssue, NanAndInfinityAreRefused) {
  for (const float bad : {kNan, kInfinity}) {
    for (const auto type : {"F32", "BF16", "F16", "Q8_0", "Q4_0"}) {
      const std::string error = Quantize(bad, type);
      EXPECT_NE(error.find("blk.0.ffn_up.weight: element 3 is "),
                std::string::npos)
          << type << ": " << error;
    }
    const std::string copied = Quantize(bad, std::nullopt);
    EXPECT_NE(copied.find("blk.0.ffn_up.weight: element 3 is "),
              std::string::npos)
        << copied;
  }
  EXPECT_EQ(Quantize(0.5f, "Q8_0"), "");
  EXPECT_NE(Quantize(70000, "F16").find("F16 holds at most 65504"),
            std::string::npos);
  EXPECT_EQ(Quantize(70000, "BF16"), "");
}

// Gemma 3's settings of rotary positions by the kind of layer.
TEST_F(ConverterIssue, RopeParametersByLayerType) {
  const auto plan = [this](std::string_view full, std::string_view sliding) {
    Write("config.json", Format(R"({"architectures": ["Gemma3ForCausalLM"],
      "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 1,
      "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
      "query_pre_attn_scalar": 16, "max_position_embeddings": 128,
      "sliding_window": 16, "rope_parameters": {
        "full_attention": {{}}, "sliding_attention": {{}}}})",
                                full, sliding));
    return convert::Conversion::Plan(folder_, {.vocabulary_only = true});
  };
  const auto found =
      plan(R"("rope_type": "linear", "factor": 8.0, "rope_theta": 500000.0)",
           R"("rope_type": "default", "rope_theta": 20000.0)");
  ASSERT_TRUE(found.ok()) << found.error().message;
  std::string text;
  for (const auto& [key, value] : found->contents().metadata) {
    if (key.starts_with("gemma3.rope.")) {
      text += Format("{} = {}\n", key, gguf::ValueText(value));
    }
  }
  EXPECT_EQ(text,
            "gemma3.rope.dimension_count = 16\n"
            "gemma3.rope.freq_base = 5e+05\n"
            "gemma3.rope.scaling.type = \"linear\"\n"
            "gemma3.rope.scaling.factor = 8\n"
            "gemma3.rope.freq_base_swa = 20000\n");
  const auto scaled =
      plan(R"("rope_theta": 1e6)", R"("rope_type": "yarn", "rope_theta": 1e4)");
  ASSERT_FALSE(scaled.ok());
  EXPECT_NE(scaled.error().message.find("sliding_attention: type yarn"),
            std::string::npos);
}

// The folder of Gemma 3 4B has a text_config of what is not the default.
TEST_F(ConverterIssue, AConfigMayCountOnTheDefaultsOfItsClass) {
  Write("config.json", R"({"architectures": ["Gemma3ForConditionalGeneration"],
    "text_config": {"hidden_size": 2560, "intermediate_size": 10240,
      "num_hidden_layers": 34, "sliding_window": 1024,
      "rope_scaling": {"factor": 8.0, "rope_type": "linear"}}})");
  const auto conversion =
      convert::Conversion::Plan(folder_, {.vocabulary_only = true});
  ASSERT_TRUE(conversion.ok()) << conversion.error().message;
  std::string text;
  for (const auto& [key, value] : conversion->contents().metadata) {
    if (key.starts_with("gemma3.attention.head_count")) {
      text += Format("{} = {}\n", key, gguf::ValueText(value));
    }
  }
  EXPECT_EQ(text,
            "gemma3.attention.head_count = 8\n"
            "gemma3.attention.head_count_kv = 4\n");
}

TEST_F(ConverterIssue, HiddenActivationsAreNotTakenForSilu) {
  WriteConfig(R"(, "hidden_act": "gelu_pytorch_tanh")");
  ExpectRefused("hidden_act: \"gelu_pytorch_tanh\" is not supported");
  WriteConfig(R"(, "hidden_act": "silu")");
  EXPECT_EQ(Convert(), "");
}

TEST_F(ConverterIssue, TiedMatricesAreWhatTheConfigSays) {
  std::string config = TinyLlamaConfig("LlamaForCausalLM");
  const std::string untied = R"("tie_word_embeddings": false)";
  config.replace(config.find(untied), untied.size(),
                 R"("tie_word_embeddings": true)");
  Write("config.json", config + "}");
  ExpectRefused("tie_word_embeddings: true, but");
  std::erase_if(tensors_, [](const convert::F32Tensor& tensor) {
    return tensor.name == "lm_head.weight";
  });
  WriteTensors();
  EXPECT_EQ(Convert(), "");
  WriteConfig("");
  ExpectRefused("tie_word_embeddings: false, but");
  // A model for embeddings needs none.
  std::filesystem::create_directory(folder_ / "1_Pooling");
  Write("1_Pooling/config.json", R"({"pooling_mode_lasttoken": true})");
  EXPECT_EQ(Convert(), "");
}

}  // namespace

}  // namespace braid::issues
