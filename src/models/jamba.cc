#include "models/jamba.h"

#include <string>

#include "base/try.h"
#include "models/config_reader.h"
#include "models/expert_config.h"
#include "models/hybrid_config.h"
#include "models/mamba.h"
#include "nn/replay.h"
#include "ops/ops.h"

namespace braid {

namespace {

std::variant<nn::MambaMixer, nn::Attention> MakeMixer(WeightScope& w,
                                                      const JambaConfig& config,
                                                      int layer) {
  const nn::AttentionConfig& attention = config.attention[layer];
  if (attention.kv_heads > 0) return nn::Attention(w, attention, layer);
  return nn::MambaMixer(w, config.mamba, layer);
}

nn::FeedForward MakeMlp(WeightScope& w, const JambaConfig& config) {
  if (config.experts.routing.experts > 0 && w.Has("ffn_gate_inp.weight")) {
    return nn::FeedForward(w, config.experts);
  }
  return nn::FeedForward(w, config.shape.width, config.hidden);
}

}  // namespace

Result<JambaConfig> JambaConfig::Read(ConfigReader& reader) {
  JambaConfig config;
  config.shape = ReadShape(reader);
  config.hidden = reader.Count("feed_forward_length");
  config.mamba =
      ReadMamba(reader, config.shape.width, config.shape.norm_epsilon);
  config.mamba.dt_b_c_norms = nn::DtBcNorms::kLearned;
  config.attention =
      ReadHybridAttention(reader, config.shape.width, config.shape.layers);
  config.experts =
      ReadExperts(reader, config.shape.width, {.hidden = config.hidden});
  BRAID_TRY(reader.status());
  return config;
}

JambaModel::JambaModel(WeightScope& w, const JambaConfig& config)
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

MemorySpec JambaModel::Memory(DType kv_type) const {
  MemorySpec spec;
  for (const nn::AttentionConfig& attention : config_.attention) {
    spec.layers.push_back(attention.kv_heads > 0
                              ? nn::Attention::Memory(attention, kv_type)
                              : nn::MambaMixer::Memory(config_.mamba));
  }
  return spec;
}

Rows JambaModel::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = embedding_(compute, pass.tokens);  // {rows, d}
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    const Rows normed = layer.mixer_norm(compute, x);
    const Rows mixed = std::visit(
        [&](const auto& mixer) { return mixer(pass, normed); }, layer.mixer);
    ops::AddInto(compute, x, mixed);
    ops::AddInto(compute, x, layer.mlp(compute, layer.mlp_norm(compute, x)));
  }
  return x;
}

void JambaModel::Replay(Pass& pass) const {
  for (const Layer& layer : layers_) {
    const ArenaScope scope(pass.compute.arena);
    nn::ReplayState(layer.mixer, pass);
  }
}

void JambaModel::Head(Compute& compute, ConstRows x, Rows logits) const {
  head_(compute, x, logits);
}

}  // namespace braid
