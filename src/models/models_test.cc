// What loading refuses, by name; and what the architectures ask for.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "gguf/writer.h"
#include "models/file_use.h"
#include "models/llama.h"
#include "models/mamba.h"
#include "models/registry.h"

namespace braid {
namespace {

using gguf::Value;

// The metadata of a tiny model, with one key changed or left out.
class TinyFile {
 public:
  explicit TinyFile(std::string_view architecture)
      : architecture_(architecture) {
    Set("general.architecture", std::string_view(architecture_));
  }

  TinyFile& Set(std::string key, Value value) {
    for (auto& [k, v] : metadata_) {
      if (k == key) {
        v = value;
        return *this;
      }
    }
    metadata_.emplace_back(std::move(key), value);
    return *this;
  }
  TinyFile& Drop(std::string_view key) {
    std::erase_if(metadata_, [&](const auto& kv) { return kv.first == key; });
    return *this;
  }
  TinyFile& AddTensor(std::string name, std::vector<uint64_t> shape) {
    gguf::TensorInfo tensor;
    tensor.name = std::move(name);
    tensor.shape = std::move(shape);
    tensors_.push_back(std::move(tensor));
    return *this;
  }

  // Loads the model from the file's bytes, all weights zero.
  Status Load() {
    gguf::Contents contents;
    for (const auto& [key, value] : metadata_) {
      contents.metadata.push_back({key, value});
    }
    contents.tensors = tensors_;
    Result<gguf::Header> header = gguf::EncodeHeader(contents);
    if (!header.ok()) return header.error();
    std::vector<std::byte> bytes = header->bytes;
    bytes.resize(bytes.size() + header->data_bytes);
    Result<gguf::File> file = gguf::File::Parse(bytes);
    if (!file.ok()) return file.error();
    ThreadPool threads(1);
    GgufSource source(*file);
    WeightScope weights(source, threads);
    ConfigReader reader(*file);
    const auto model = MakeModel(reader, weights);
    if (!model.ok()) return model.error();
    return UseOf(*file, reader, source, /*encoder_only=*/false).status;
  }

 private:
  std::string architecture_;
  std::vector<std::pair<std::string, Value>> metadata_;
  std::vector<gguf::TensorInfo> tensors_;
};

std::string ErrorOf(const Status& status) {
  return status.ok() ? "no error" : status.error().message;
}

TinyFile TinyMamba() {
  TinyFile file("mamba");
  file.Set("mamba.block_count", uint32_t{1})
      .Set("mamba.embedding_length", uint32_t{8})
      .Set("mamba.context_length", uint32_t{64})
      .Set("mamba.attention.layer_norm_rms_epsilon", 1e-5f)
      .Set("mamba.ssm.inner_size", uint32_t{16})
      .Set("mamba.ssm.state_size", uint32_t{4})
      .Set("mamba.ssm.conv_kernel", uint32_t{4})
      .Set("mamba.ssm.time_step_rank", uint32_t{2})
      .AddTensor("token_embd.weight", {8, 10})
      .AddTensor("output_norm.weight", {8})
      .AddTensor("blk.0.attn_norm.weight", {8})
      .AddTensor("blk.0.ssm_in.weight", {8, 32})
      .AddTensor("blk.0.ssm_conv1d.weight", {4, 16})
      .AddTensor("blk.0.ssm_conv1d.bias", {16})
      .AddTensor("blk.0.ssm_x.weight", {16, 10})
      .AddTensor("blk.0.ssm_dt.weight", {2, 16})
      .AddTensor("blk.0.ssm_dt.bias", {16})
      .AddTensor("blk.0.ssm_a", {4, 16})
      .AddTensor("blk.0.ssm_d", {16})
      .AddTensor("blk.0.ssm_out.weight", {16, 8});
  return file;
}

TinyFile TinyLlama() {
  TinyFile file("llama");
  file.Set("llama.block_count", uint32_t{1})
      .Set("llama.embedding_length", uint32_t{8})
      .Set("llama.feed_forward_length", uint32_t{12})
      .Set("llama.context_length", uint32_t{64})
      .Set("llama.attention.layer_norm_rms_epsilon", 1e-5f)
      .Set("llama.attention.head_count", uint32_t{4})
      .Set("llama.attention.head_count_kv", uint32_t{2})
      .AddTensor("token_embd.weight", {8, 10})
      .AddTensor("output_norm.weight", {8})
      .AddTensor("blk.0.attn_norm.weight", {8})
      .AddTensor("blk.0.attn_q.weight", {8, 8})
      .AddTensor("blk.0.attn_k.weight", {8, 4})
      .AddTensor("blk.0.attn_v.weight", {8, 4})
      .AddTensor("blk.0.attn_output.weight", {8, 8})
      .AddTensor("blk.0.ffn_norm.weight", {8})
      .AddTensor("blk.0.ffn_gate.weight", {8, 12})
      .AddTensor("blk.0.ffn_up.weight", {8, 12})
      .AddTensor("blk.0.ffn_down.weight", {12, 8});
  return file;
}

TinyFile TinyDeepseek2() {
  TinyFile file("deepseek2");
  file.Set("deepseek2.block_count", uint32_t{1})
      .Set("deepseek2.embedding_length", uint32_t{8})
      .Set("deepseek2.feed_forward_length", uint32_t{12})
      .Set("deepseek2.context_length", uint32_t{64})
      .Set("deepseek2.attention.layer_norm_rms_epsilon", 1e-6f)
      .Set("deepseek2.attention.head_count", uint32_t{2})
      .Set("deepseek2.attention.kv_lora_rank", uint32_t{6})
      .Set("deepseek2.attention.key_length", uint32_t{7})
      .Set("deepseek2.attention.value_length", uint32_t{5})
      .Set("deepseek2.rope.dimension_count", uint32_t{4})
      .AddTensor("token_embd.weight", {8, 10})
      .AddTensor("output_norm.weight", {8})
      .AddTensor("blk.0.attn_norm.weight", {8})
      .AddTensor("blk.0.attn_q.weight", {8, 14})
      .AddTensor("blk.0.attn_kv_a_mqa.weight", {8, 10})
      .AddTensor("blk.0.attn_kv_a_norm.weight", {6})
      .AddTensor("blk.0.attn_output.weight", {10, 8})
      .AddTensor("blk.0.ffn_norm.weight", {8})
      .AddTensor("blk.0.ffn_gate.weight", {8, 12})
      .AddTensor("blk.0.ffn_up.weight", {8, 12})
      .AddTensor("blk.0.ffn_down.weight", {12, 8});
  return file;
}

TEST(Models, Deepseek2LoadsOldFilesAndNew) {
  TinyFile old = TinyDeepseek2();
  old.AddTensor("blk.0.attn_kv_b.weight", {6, 16});
  EXPECT_EQ(ErrorOf(old.Load()), "no error");

  // The sizes of a cache row, beside those of a head.
  TinyFile split = TinyDeepseek2();
  split.Set("deepseek2.attention.key_length", uint32_t{10})
      .Set("deepseek2.attention.value_length", uint32_t{6})
      .Set("deepseek2.attention.key_length_mla", uint32_t{7})
      .Set("deepseek2.attention.value_length_mla", uint32_t{5})
      .AddTensor("blk.0.attn_k_b.weight", {3, 6, 2})
      .AddTensor("blk.0.attn_v_b.weight", {6, 5, 2});
  EXPECT_EQ(ErrorOf(split.Load()), "no error");
}

TEST(Models, Deepseek2RefusesWhatItWouldGetWrong) {
  TinyFile rope = TinyDeepseek2();
  rope.Set("deepseek2.rope.dimension_count", uint32_t{8});
  EXPECT_EQ(ErrorOf(rope.Load()),
            "deepseek2.rope.dimension_count: 8 must be less than the key "
            "length 7");

  TinyFile longrope = TinyDeepseek2();
  longrope.Set("deepseek2.rope.scaling.type", std::string_view("longrope"));
  EXPECT_NE(ErrorOf(longrope.Load()).find("\"longrope\" is not supported"),
            std::string::npos);

  TinyFile ahead = TinyDeepseek2();
  ahead.Set("deepseek2.nextn_predict_layers", uint32_t{1});
  EXPECT_EQ(ErrorOf(ahead.Load()),
            "deepseek2.nextn_predict_layers: 1 of 1 layers");

  EXPECT_EQ(ErrorOf(TinyDeepseek2().Load()),
            "blk.0.attn_k_b.weight: the file has no such tensor (expected "
            "shape {3, 6, 2})");
}

TEST(Models, Deepseek2IgnoresLayersThatPredictFurtherAhead) {
  TinyFile file = TinyDeepseek2();
  file.AddTensor("blk.0.attn_kv_b.weight", {6, 16})
      .AddTensor("blk.1.nextn.eh_proj.weight", {16, 8})
      .AddTensor("blk.1.ffn_up.weight", {8, 12});
  EXPECT_NE(ErrorOf(file.Load()).find("blk.1.nextn.eh_proj.weight (and 1 more"),
            std::string::npos)
      << ErrorOf(file.Load());
  file.Set("deepseek2.block_count", uint32_t{2})
      .Set("deepseek2.nextn_predict_layers", uint32_t{1});
  EXPECT_EQ(ErrorOf(file.Load()), "no error");
}

// A key is ignored for its value, or for that of another.
TEST(Models, AKeyIsIgnoredOnlyWhereItHasNoBearing) {
  const auto with = [](std::string key, Value value) {
    return ErrorOf(TinyLlama().Set("llama." + key, value).Load());
  };
  EXPECT_EQ(with("attention.max_alibi_bias", 0.0f), "no error");
  EXPECT_EQ(with("attention.max_alibi_bias", 8.0f),
            "llama.attention.max_alibi_bias: 8 is not supported by \"llama\", "
            "which does not read this key; a file is read whole or not at all");
  EXPECT_EQ(with("attention.sliding_window", uint32_t{63}), "no error");
  EXPECT_EQ(with("embedding_length_out", uint32_t{8}), "no error");
  EXPECT_NE(with("embedding_length_out", uint32_t{4}), "no error");
  EXPECT_EQ(with("logit_scale", 1.0f), "no error");
  EXPECT_NE(with("logit_scale", 0.5f), "no error");
  EXPECT_EQ(with("expert_used_count", uint32_t{2}), "no error");
  EXPECT_EQ(with("use_parallel_residual", false), "no error");
  EXPECT_NE(with("use_parallel_residual", true), "no error");
  EXPECT_NE(with("nextn_predict_layers", uint32_t{1}), "no error");
}

TEST(Models, ExpertsOfTheWrongNumberAreRefused) {
  TinyFile file = TinyLlama();
  file.Set("llama.expert_count", uint32_t{3})
      .Set("llama.expert_used_count", uint32_t{2})
      .AddTensor("blk.0.ffn_gate_inp.weight", {8, 3})
      .AddTensor("blk.0.ffn_gate_exps.weight", {8, 12, 2});
  EXPECT_EQ(ErrorOf(file.Load()),
            "blk.0.ffn_gate_exps.weight: expected shape {8, 12, 3}, file has "
            "{8, 12, 2}");
}

TEST(Models, AHybridsLayersAreOfOneKindEach) {
  TinyFile file("nemotron_h");
  file.Set("nemotron_h.block_count", uint32_t{1})
      .Set("nemotron_h.embedding_length", uint32_t{8})
      .Set("nemotron_h.context_length", uint32_t{64})
      .Set("nemotron_h.attention.layer_norm_epsilon", 1e-5f)
      .Set("nemotron_h.attention.head_count", uint32_t{4})
      .Set("nemotron_h.attention.head_count_kv", uint32_t{2})
      .Set("nemotron_h.feed_forward_length", uint32_t{16})
      .AddTensor("token_embd.weight", {8, 10});
  EXPECT_EQ(ErrorOf(file.Load()),
            "nemotron_h.feed_forward_length: 16 in layer 0, which has 2 KV "
            "heads");
  file.Set("nemotron_h.attention.head_count_kv", uint32_t{3});
  EXPECT_EQ(ErrorOf(file.Load()),
            "nemotron_h.attention.head_count_kv: 3 does not divide head_count "
            "4");
}

TEST(Models, CompleteFilesLoad) {
  EXPECT_EQ(ErrorOf(TinyMamba().Load()), "no error");
  EXPECT_EQ(ErrorOf(TinyLlama().Load()), "no error");
}

TEST(Models, UnknownArchitectureListsTheKnownOnes) {
  EXPECT_EQ(ErrorOf(TinyFile("gpt5").Load()),
            "general.architecture: \"gpt5\" is not supported; supported are " +
                SupportedArchitectures());
  EXPECT_NE(SupportedArchitectures().find("llama, "), std::string::npos);
}

TEST(Models, MissingTensorIsNamed) {
  TinyFile file = TinyMamba();
  file.Set("mamba.block_count", uint32_t{2});
  EXPECT_EQ(ErrorOf(file.Load()),
            "blk.1.ssm_in.weight: the file has no such tensor (expected shape "
            "{8, 32})");
}

TEST(Models, WrongShapeGivesBothValues) {
  TinyFile file = TinyMamba();
  file.Set("mamba.ssm.time_step_rank", uint32_t{3});
  EXPECT_EQ(ErrorOf(file.Load()),
            "blk.0.ssm_x.weight: expected shape {16, 11}, file has {16, 10}");
}

TEST(Models, NumbersAreBounded) {
  for (const uint32_t layers : {0u, 0xFFFFFFFFu}) {
    TinyFile file = TinyLlama();
    file.Set("llama.block_count", layers);
    EXPECT_NE(ErrorOf(file.Load())
                  .find("llama.block_count: " + std::to_string(layers)),
              std::string::npos)
        << ErrorOf(file.Load());
  }
  TinyFile huge = TinyLlama();
  huge.Set("llama.block_count", uint32_t{1u << 24});
  EXPECT_EQ(ErrorOf(huge.Load()),
            "llama.block_count: 16777216 layers in a file of 11 tensors");
}

TEST(Models, LlamaRefusesWhatItWouldGetWrong) {
  TinyFile heads = TinyLlama();
  heads.Set("llama.attention.head_count_kv", uint32_t{3});
  EXPECT_EQ(ErrorOf(heads.Load()),
            "llama.attention.head_count_kv: 3 does not divide head_count 4");

  TinyFile experts = TinyLlama();
  experts.Set("llama.expert_count", uint32_t{8})
      .Set("llama.expert_used_count", uint32_t{9});
  EXPECT_EQ(ErrorOf(experts.Load()), "llama.expert_used_count: 9 of 8 experts");

  TinyFile gate = TinyLlama();
  gate.Set("llama.expert_count", uint32_t{8})
      .Set("llama.expert_used_count", uint32_t{2})
      .Set("llama.expert_gating_func", uint32_t{4});
  EXPECT_NE(ErrorOf(gate.Load()).find("llama.expert_gating_func: 4 is not"),
            std::string::npos);

  TinyFile groups = TinyLlama();
  groups.Set("llama.expert_count", uint32_t{8})
      .Set("llama.expert_used_count", uint32_t{3})
      .Set("llama.expert_group_count", uint32_t{4})
      .Set("llama.expert_group_used_count", uint32_t{1});
  EXPECT_EQ(ErrorOf(groups.Load()),
            "llama.expert_group_used_count: 1 of 4 groups cannot give 3 "
            "experts");

  TinyFile dynamic = TinyLlama();
  dynamic.Set("llama.rope.scaling.type", std::string_view("dynamic"));
  EXPECT_NE(ErrorOf(dynamic.Load()).find("\"dynamic\" is not supported"),
            std::string::npos);

  TinyFile longrope = TinyLlama();
  longrope.Set("llama.rope.scaling.type", std::string_view("longrope"))
      .Set("llama.rope.scaling.original_context_length", uint32_t{32});
  EXPECT_NE(ErrorOf(longrope.Load()).find("rope_factors_long.weight"),
            std::string::npos);

  TinyFile rope = TinyLlama();
  rope.Set("llama.rope.dimension_count", uint32_t{3});
  EXPECT_NE(ErrorOf(rope.Load()).find("llama.rope.dimension_count: 3"),
            std::string::npos);

  TinyFile epsilon = TinyLlama();
  epsilon.Drop("llama.attention.layer_norm_rms_epsilon");
  EXPECT_NE(
      ErrorOf(epsilon.Load()).find("llama.attention.layer_norm_rms_epsilon"),
      std::string::npos);
}

// The keys that recurrent models share; each test adds its architecture's.
TinyFile TinyRecurrent(const std::string& architecture) {
  TinyFile file(architecture);
  file.Set(architecture + ".block_count", uint32_t{1})
      .Set(architecture + ".embedding_length", uint32_t{8})
      .Set(architecture + ".context_length", uint32_t{64})
      .Set(architecture + ".attention.layer_norm_epsilon", 1e-5f)
      .Set(architecture + ".attention.layer_norm_rms_epsilon", 1e-5f)
      .AddTensor("token_embd.weight", {8, 10})
      .AddTensor("output_norm.weight", {8})
      .AddTensor("blk.0.attn_norm.weight", {8});
  return file;
}

// What is kept for each layer must not grow beyond the file.
TEST(Models, EveryKindBoundsItsLayers) {
  for (const char* architecture :
       {"mamba", "mamba2", "rwkv6", "rwkv7", "jamba", "lfm2", "granitehybrid",
        "falcon-h1", "nemotron_h", "deepseek2", "bert", "t5"}) {
    TinyFile file = TinyRecurrent(architecture);
    const std::string key = std::string(architecture) + ".block_count";
    file.Set(key, uint32_t{1u << 24});
    EXPECT_EQ(ErrorOf(file.Load()),
              key + ": 16777216 layers in a file of 3 tensors");
  }
}

TEST(Models, Mamba2RefusesWhatDoesNotDivide) {
  const auto tiny = [] {
    TinyFile file = TinyRecurrent("mamba2");
    file.Set("mamba2.ssm.inner_size", uint32_t{16})
        .Set("mamba2.ssm.state_size", uint32_t{4})
        .Set("mamba2.ssm.conv_kernel", uint32_t{4})
        .Set("mamba2.ssm.time_step_rank", uint32_t{4})
        .Set("mamba2.ssm.group_count", uint32_t{2})
        .AddTensor("blk.0.ssm_in.weight", {8, 52})
        .AddTensor("blk.0.ssm_conv1d.weight", {4, 32});
    return file;
  };
  EXPECT_EQ(
      ErrorOf(tiny().Set("mamba2.ssm.time_step_rank", uint32_t{3}).Load()),
      "mamba2.ssm.time_step_rank: 3 heads do not divide ssm.inner_size 16");
  EXPECT_EQ(ErrorOf(tiny().Set("mamba2.ssm.group_count", uint32_t{3}).Load()),
            "mamba2.ssm.group_count: 3 does not divide the 4 heads of "
            "ssm.time_step_rank");
  // 2 * 2 * 2^24 channels of B and C would not fit an int.
  EXPECT_EQ(
      ErrorOf(tiny().Set("mamba2.ssm.state_size", uint32_t{1u << 24}).Load()),
      "mamba2.ssm.state_size: 67108880 channels of inner_size, B and C are "
      "more than "
      "16777216");
  EXPECT_EQ(ErrorOf(tiny().Load()),
            "blk.0.ssm_conv1d.bias: the file has no such tensor (expected "
            "shape {32})");
}

TEST(Models, AConvolutionLongerThanTheKernelsIsRefused) {
  TinyFile file = TinyRecurrent("mamba2");
  file.Set("mamba2.ssm.inner_size", uint32_t{16})
      .Set("mamba2.ssm.state_size", uint32_t{4})
      .Set("mamba2.ssm.conv_kernel", uint32_t{9})
      .Set("mamba2.ssm.time_step_rank", uint32_t{4})
      .AddTensor("blk.0.ssm_in.weight", {8, 44})
      .AddTensor("blk.0.ssm_conv1d.weight", {9, 24});
  EXPECT_EQ(ErrorOf(file.Load()),
            "blk.0.ssm_conv1d.weight: 9 taps; at most 8 are supported");
}

TEST(Models, RwkvRefusesWhatItWouldGetWrong) {
  const auto tiny = [] {
    TinyFile file = TinyRecurrent("rwkv6");
    file.Set("rwkv6.wkv.head_size", uint32_t{4})
        .Set("rwkv6.feed_forward_length", uint32_t{12})
        .Set("rwkv6.time_mix_extra_dim", uint32_t{2})
        .Set("rwkv6.time_decay_extra_dim", uint32_t{2});
    return file;
  };
  EXPECT_EQ(ErrorOf(tiny().Set("rwkv6.wkv.head_size", uint32_t{3}).Load()),
            "rwkv6.wkv.head_size: 3 does not divide embedding_length 8");
  EXPECT_EQ(ErrorOf(tiny().Set("rwkv6.token_shift_count", uint32_t{1}).Load()),
            "rwkv6.token_shift_count: 1 is not supported; supported is 2");
  EXPECT_EQ(ErrorOf(tiny().Load()),
            "token_embd_norm.weight: the file has no such tensor (expected "
            "shape {8})");
}

}  // namespace
}  // namespace braid
