#include "models/falcon_h1.h"

#include <string>

#include "base/try.h"
#include "models/config_reader.h"
#include "models/mamba2.h"
#include "models/transformer_config.h"
#include "ops/ops.h"

namespace braid {

namespace {

nn::RmsNorm MakeMlpNorm(WeightScope& w, const FalconH1Config& config) {
  const char* name = w.Has("ffn_norm") ? "ffn_norm" : "ffn_norm.weight";
  return nn::RmsNorm(w.Vector(name, {config.shape.width}, Role::kScale),
                     config.shape.norm_epsilon);
}

}  // namespace

Result<FalconH1Config> FalconH1Config::Read(ConfigReader& reader) {
  FalconH1Config config;
  config.shape = ReadShape(reader);
  config.hidden = reader.Count("feed_forward_length");
  BRAID_TRY(reader.status());
  config.attention =
      ReadAttention(reader, config.shape.width, config.shape.layers).front();
  config.rope = ReadRope(reader, config.attention.key_dim, RopePairs::kHalves);
  config.mamba =
      ReadMamba2(reader, config.shape.width, config.shape.norm_epsilon);
  config.mamba.optional_parts = true;
  BRAID_TRY(reader.status());
  return config;
}

FalconH1Model::FalconH1Model(WeightScope& w, const FalconH1Config& config)
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      head_(w, width(), vocabulary_size(), norm_epsilon()) {
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.push_back({nn::RmsNorm(blk, "attn_norm", width(), norm_epsilon()),
                       nn::Attention(blk, config.attention, i),
                       nn::Mamba2Mixer(blk, config.mamba, i),
                       MakeMlpNorm(blk, config),
                       nn::GatedMlp(blk, width(), config.hidden)});
  }
}

MemorySpec FalconH1Model::Memory(DType kv_type) const {
  LayerSpec both = nn::Mamba2Mixer::Memory(config_.mamba);
  both.page = nn::Attention::Memory(config_.attention, kv_type).page;
  return {std::vector<LayerSpec>(layers_.size(), both)};
}

Rows FalconH1Model::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = embedding_(compute, pass.tokens);  // {rows, d}
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    const Rows normed = layer.mixer_norm(compute, x);
    const Rows mixed = layer.mamba(pass, normed);
    ops::AddInto(compute, mixed, layer.attention(pass, normed));
    ops::AddInto(compute, x, mixed);
    ops::AddInto(compute, x, layer.mlp(compute, layer.mlp_norm(compute, x)));
  }
  return x;
}

void FalconH1Model::Replay(Pass& pass) const {
  for (const Layer& layer : layers_) {
    const ArenaScope scope(pass.compute.arena);
    layer.mamba.Replay(pass);
  }
}

void FalconH1Model::Head(Compute& compute, ConstRows x, Rows logits) const {
  head_(compute, x, logits);
}

}  // namespace braid
