// Folders that are none of a model in safetensors: each is named, with what to
// do.
#include "convert/folder.h"

#include <gtest/gtest.h>

#include "convert/checkpoint.h"
#include "convert/conversion.h"
#include "convert/folder_for_test.h"

namespace braid::convert {

namespace {

constexpr const char* kConfig = R"({"architectures": ["LlamaForCausalLM"],
  "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
  "num_attention_heads": 2, "max_position_embeddings": 128, "vocab_size": 8})";

class FolderKinds : public FolderTest {
 protected:
  std::string PlanError(const std::string& folder) const {
    const auto conversion = Conversion::Plan(folder, {});
    return conversion.ok() ? "none" : conversion.error().message;
  }
  std::string PlanError() const { return PlanError(folder_); }

  void ExpectError(std::initializer_list<std::string_view> parts) const {
    const std::string error = PlanError();
    for (const std::string_view part : parts) {
      EXPECT_NE(error.find(part), std::string::npos) << part << ": " << error;
    }
  }
};

TEST_F(FolderKinds, WithoutAConfig) {
  ExpectError({"has no config.json"});
  Write("params.json", "{}");
  ExpectError({"params.json", "Mistral", "format of transformers"});
  std::filesystem::remove(Path("params.json"));
  std::filesystem::create_directory(Path("0_Transformer"));
  ExpectError({"0_Transformer", "sentence-transformers"});
  Write("adapter_config.json", "{}");
  ExpectError({"adapter_config.json", "LoRA", "merge"});
}

TEST_F(FolderKinds, AFileInPlaceOfAFolder) {
  Write("model.gguf", "GGUF...");
  EXPECT_NE(PlanError(Path("model.gguf")).find("a GGUF file already"),
            std::string::npos);
  Write("note.txt", "hello");
  EXPECT_NE(PlanError(Path("note.txt")).find("expected a folder"),
            std::string::npos);
  EXPECT_NE(PlanError(Path("nowhere")).find("no such folder"),
            std::string::npos);
}

TEST_F(FolderKinds, WeightsOfOtherPrograms) {
  Write("config.json", kConfig);
  ExpectError({"neither model.safetensors nor", "it has no weights"});
  struct Case {
    const char* file;
    const char* word;
  };
  for (const auto& [file, word] :
       {Case{"model.onnx", "ONNX"}, Case{"tf_model.h5", "TensorFlow"},
        Case{"pytorch_model.bin", "safe_serialization"},
        Case{"pytorch_model-00001-of-00002.bin", "safe_serialization"},
        Case{"consolidated.safetensors", "format of transformers"},
        Case{"model-q4.gguf", "needs no conversion"},
        Case{"adapter_model.safetensors", "merge"}}) {
    Write(file, "");
    ExpectError({Format("found {}", file), word});
    std::filesystem::remove(Path(file));
  }
}

TEST_F(FolderKinds, PointersOfGitLfs) {
  Write("config.json", kConfig);
  constexpr const char* kPointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n";
  for (const char* file :
       {"model.safetensors", "tokenizer.json", "tokenizer.model"}) {
    Write(file, kPointer);
    ExpectError({file, "pointer of Git LFS", "git lfs pull"});
    std::filesystem::remove(Path(file));
  }
}

TEST_F(FolderKinds, QuantisedWeights) {
  const std::string config = kConfig;
  for (const char* method : {"gptq", "awq", "bitsandbytes", "fp8"}) {
    Write("config.json",
          Format(R"({}, "quantization_config": {"quant_method": "{}"}})",
                 config.substr(0, config.size() - 1), method));
    ExpectError({"quantization_config", method, "of the model that it was"});
  }
  Write("config.json", kConfig);
  for (const char* ending :
       {"qweight", "qzeros", "weight_packed", "weight.absmax"}) {
    const std::string name =
        Format("model.layers.0.self_attn.q_proj.{}", ending);
    Write("model.safetensors", SafetensorsFile({Ramp(name, {4})}));
    ExpectError({name, "quantised"});
  }
}

TEST_F(FolderKinds, PartsWithoutAnIndex) {
  Write("model-00001-of-00003.safetensors",
        SafetensorsFile({Ramp("a", {4}), Ramp("b", {2, 4})}));
  Write("model-00002-of-00003.safetensors", SafetensorsFile({Ramp("c", {4})}));
  auto checkpoint = Checkpoint::Open(folder_);
  ASSERT_FALSE(checkpoint.ok());
  EXPECT_NE(
      checkpoint.error().message.find("not model-00003-of-00003.safetensors"),
      std::string::npos)
      << checkpoint.error().message;
  Write("model-00003-of-00003.safetensors", SafetensorsFile({Ramp("d", {4})}));
  checkpoint = Checkpoint::Open(folder_);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->tensors().size(), 4u);
}

TEST_F(FolderKinds, AnIndexNamesAPartThatIsMissing) {
  Write("a.safetensors", SafetensorsFile({Ramp("a", {4})}));
  Write("model.safetensors.index.json",
        R"({"weight_map": {"a": "a.safetensors", "b": "b.safetensors"}})");
  const auto checkpoint = Checkpoint::Open(folder_);
  ASSERT_FALSE(checkpoint.ok());
  EXPECT_NE(checkpoint.error().message.find(
                "names b.safetensors, which is not in the folder"),
            std::string::npos)
      << checkpoint.error().message;
}

}  // namespace

}  // namespace braid::convert
