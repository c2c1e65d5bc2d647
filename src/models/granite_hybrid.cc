#include "models/granite_hybrid.h"

#include <string>

#include "base/try.h"
#include "models/config_reader.h"
#include "models/expert_config.h"
#include "models/hybrid_config.h"
#include "models/mamba2.h"
#include "models/transformer_config.h"
#include "nn/replay.h"
#include "ops/ops.h"

namespace braid {

namespace {

// 0 says, as an absent key does, that there is no scale.
double ReadScale(ConfigReader& reader, std::string_view key,
                 double if_missing) {
  const double scale = reader.Number(key, 0.0);
  return scale == 0 ? if_missing : scale;
}

// All layers' scores have one scale, and all heads turn or none.
std::vector<nn::AttentionConfig> ReadGraniteAttention(ConfigReader& reader,
                                                      int width, int layers) {
  std::vector<nn::AttentionConfig> configs =
      ReadHybridAttention(reader, width, layers);
  const double scale = ReadScale(reader, "attention.scale", 0.0);
  const bool turns = reader.Flag("rope.scaling.finetuned", true);
  for (nn::AttentionConfig& config : configs) {
    if (scale != 0) config.scale = static_cast<float>(scale);
    if (turns) config.rope = 0;
  }
  return configs;
}

std::variant<nn::Mamba2Mixer, nn::Attention> MakeMixer(
    WeightScope& w, const GraniteHybridConfig& config, int layer) {
  const nn::AttentionConfig& attention = config.attention[layer];
  if (attention.kv_heads > 0) return nn::Attention(w, attention, layer);
  return nn::Mamba2Mixer(w, config.mamba, layer);
}

nn::FeedForward MakeMlp(WeightScope& w, const GraniteHybridConfig& config) {
  if (config.experts.routing.experts > 0) {
    return nn::FeedForward(w, config.experts);
  }
  return nn::FeedForward(w, config.shape.width, config.hidden);
}

}  // namespace

Result<GraniteHybridConfig> GraniteHybridConfig::Read(ConfigReader& reader) {
  GraniteHybridConfig config;
  config.shape = ReadShape(reader);
  config.hidden = reader.Count("feed_forward_length");
  config.embedding_scale =
      static_cast<float>(ReadScale(reader, "embedding_scale", 1.0));
  config.residual_scale =
      static_cast<float>(ReadScale(reader, "residual_scale", 1.0));
  config.logit_scale =
      static_cast<float>(1.0 / ReadScale(reader, "logit_scale", 1.0));
  config.experts = ReadExperts(reader, config.shape.width,
                               {.hidden = config.hidden, .normalized = true});
  config.experts.shared_hidden =
      reader.Count("expert_shared_feed_forward_length", 0);
  config.attention =
      ReadGraniteAttention(reader, config.shape.width, config.shape.layers);
  config.rope = ReadRope(reader, config.attention.front().key_dim,
                         RopePairs::kInterleaved);
  config.mamba =
      ReadMamba2(reader, config.shape.width, config.shape.norm_epsilon);
  BRAID_TRY(reader.status());
  return config;
}

GraniteHybridModel::GraniteHybridModel(WeightScope& w,
                                       const GraniteHybridConfig& config)
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      head_(w, width(), vocabulary_size(), norm_epsilon()) {
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.push_back({nn::RmsNorm(blk, "attn_norm", width(), norm_epsilon()),
                       MakeMixer(blk, config, i),
                       nn::RmsNorm(blk, "ffn_norm", width(), norm_epsilon()),
                       MakeMlp(blk, config)});
  }
}

MemorySpec GraniteHybridModel::Memory(DType kv_type) const {
  MemorySpec spec;
  for (const nn::AttentionConfig& attention : config_.attention) {
    spec.layers.push_back(attention.kv_heads > 0
                              ? nn::Attention::Memory(attention, kv_type)
                              : nn::Mamba2Mixer::Memory(config_.mamba));
  }
  return spec;
}

Rows GraniteHybridModel::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = embedding_(compute, pass.tokens);  // {rows, width}
  ops::ScaleInto(compute, config_.embedding_scale, x);
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    const Rows normed = layer.mixer_norm(compute, x);
    AddPart(compute, x,
            std::visit([&](const auto& mixer) { return mixer(pass, normed); },
                       layer.mixer));
    AddPart(compute, x, layer.mlp(compute, layer.mlp_norm(compute, x)));
  }
  return x;
}

void GraniteHybridModel::Replay(Pass& pass) const {
  for (const Layer& layer : layers_) {
    const ArenaScope scope(pass.compute.arena);
    nn::ReplayState(layer.mixer, pass);
  }
}

void GraniteHybridModel::AddPart(Compute& compute, Rows x, Rows part) const {
  ops::ScaleInto(compute, config_.residual_scale, part);
  ops::AddInto(compute, x, part);
}

void GraniteHybridModel::Head(Compute& compute, ConstRows x,
                              Rows logits) const {
  head_(compute, x, logits);
  ops::ScaleInto(compute, config_.logit_scale, logits);
}

}  // namespace braid
