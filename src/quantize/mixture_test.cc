#include "quantize/mixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gguf/raw_file_for_test.h"

namespace braid::quantize {
namespace {

using gguf::Raw;

// The metadata and names of a model whose tensors are {32, 2} of zeros.
std::string Model(const std::string& architecture, uint32_t layers,
                  uint32_t heads, uint32_t key_heads,
                  const std::vector<std::string>& names) {
  gguf::RawFile file;
  file.keys = {
      gguf::RawKey("general.architecture", 8, gguf::RawString(architecture)),
      gguf::RawKey(architecture + ".block_count", 4, Raw(layers)),
      gguf::RawKey(architecture + ".attention.head_count", 4, Raw(heads)),
      gguf::RawKey(architecture + ".attention.head_count_kv", 4,
                   Raw(key_heads))};
  for (const std::string& name : names) {
    file.tensors.push_back(gguf::RawTensor(name, {32, 2}, 0, file.data.size()));
    file.data += std::string(256, '\0');
  }
  return file.Bytes();
}

// The type of every tensor of the model.
std::vector<std::string> Types(FileType type, const std::string& bytes) {
  const auto file = gguf::File::Parse(std::as_bytes(std::span(bytes)));
  EXPECT_TRUE(file.ok()) << file.error().message;
  const auto census = Census::Take(*file);
  EXPECT_TRUE(census.ok());
  std::vector<std::string> types;
  for (const gguf::TensorInfo& tensor : file->tensors()) {
    types.emplace_back(Name(
        MixtureType(type, *census, census->Find(tensor.name), 256, false)));
  }
  return types;
}

std::vector<std::string> Layers(const std::string& part, int count) {
  std::vector<std::string> names = {"output.weight"};
  for (int i = 0; i < count; ++i) {
    names.push_back("blk." + std::to_string(i) + "." + part);
  }
  return names;
}

TEST(MixtureTest, MoreBitsAtTheEndsAndForEveryThirdLayer) {
  const auto types =
      Types(FileType::kQ4_K_M,
            Model("llama", 14, 8, 8, Layers("ffn_down.weight", 14)));
  std::vector<int> more;
  for (int i = 0; i < 14; ++i) {
    if (types[static_cast<size_t>(i) + 1] == "Q6_K") more.push_back(i);
  }
  EXPECT_EQ(more, (std::vector<int>{0, 3, 6, 9, 12, 13}));
}

TEST(MixtureTest, AHybridCountsItsAttentionLayers) {
  const auto types = Types(
      FileType::kQ4_K_S,
      Model("jamba", 32, 8, 8,
            {"output.weight", "blk.4.attn_v.weight", "blk.12.attn_v.weight",
             "blk.20.attn_v.weight", "blk.28.attn_v.weight",
             "blk.31.attn_v.weight", "blk.0.ssm_in.weight"}));
  EXPECT_EQ(types, (std::vector<std::string>{"Q6_K", "Q5_K", "Q5_K", "Q5_K",
                                             "Q5_K", "Q4_K", "Q4_K"}));
}

TEST(MixtureTest, EncoderAndDecoderCountAlone) {
  std::vector<std::string> names = {"output.weight"};
  for (const char* stack : {"enc.", "dec."}) {
    for (int i = 0; i < 8; ++i) {
      names.push_back(stack + ("blk." + std::to_string(i)) +
                      ".ffn_down.weight");
    }
  }
  const auto types = Types(FileType::kQ4_K_M, Model("t5", 8, 8, 8, names));
  for (size_t i = 1; i <= 8; ++i) EXPECT_EQ(types[i], types[i + 8]) << i;
  EXPECT_EQ(types[1], "Q6_K");
  EXPECT_EQ(types[2], "Q4_K");
}

TEST(MixtureTest, GroupedQueriesGiveValuesMoreBits) {
  const auto names = Layers("attn_v.weight", 1);
  EXPECT_EQ(Types(FileType::kQ2_K, Model("llama", 1, 8, 2, names))[1], "Q4_K");
  EXPECT_EQ(Types(FileType::kQ2_K, Model("llama", 1, 8, 8, names))[1], "Q3_K");
}

TEST(MixtureTest, TiedEmbeddingsAreTheOutput) {
  const std::vector<std::string> names = {"token_embd.weight"};
  EXPECT_EQ(Types(FileType::kQ4_0, Model("llama", 1, 8, 8, names))[0], "Q6_K");
  EXPECT_EQ(Types(FileType::kF16, Model("llama", 1, 8, 8, names))[0], "F16");
}

TEST(FittingTypeTest, FallsBackByWidth) {
  EXPECT_EQ(FittingType(DType::kQ4_K, 512), DType::kQ4_K);
  EXPECT_EQ(FittingType(DType::kQ4_K, 96), DType::kQ5_0);
  EXPECT_EQ(FittingType(DType::kQ5_K, 96), DType::kQ5_1);
  EXPECT_EQ(FittingType(DType::kQ6_K, 96), DType::kQ8_0);
  EXPECT_EQ(FittingType(DType::kIQ4_XS, 96), DType::kIQ4_NL);
  EXPECT_EQ(FittingType(DType::kQ2_K, 96), DType::kQ4_0);
  EXPECT_EQ(FittingType(DType::kQ4_K, 48), DType::kF16);
  EXPECT_EQ(FittingType(DType::kF32, 7), DType::kF32);
}

TEST(IsQuantizableTest, KeepsWhatSteers) {
  const auto is = [](const char* name, std::vector<uint64_t> shape) {
    return IsQuantizable({.name = name, .shape = std::move(shape)});
  };
  EXPECT_TRUE(is("blk.0.ssm_in.weight", {64, 128}));
  EXPECT_TRUE(is("blk.0.ssm_dt.weight", {48, 128}));
  EXPECT_FALSE(is("blk.0.ssm_a", {16, 128}));
  EXPECT_FALSE(is("blk.0.ssm_conv1d.weight", {4, 128}));
  EXPECT_FALSE(is("blk.0.ffn_gate_inp.weight", {64, 8}));
  EXPECT_FALSE(is("blk.0.attn_norm.weight", {64}));
  EXPECT_FALSE(is("blk.0.time_mix_lerp_x.weight", {64, 1, 1}));
  EXPECT_FALSE(is("enc.blk.0.attn_rel_b.weight", {8, 32}));
}

}  // namespace
}  // namespace braid::quantize
