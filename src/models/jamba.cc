#include "models/jamba.h"

#include <string>

#include "base/try.h"
#include "models/config_reader.h"
#include "models/expert_config.h"
#include "models/hybrid_config.h"
#include "nn/replay.h"
#include "ops/ops.h"

namespace braid {

namespace {

nn::MambaConfig ReadMamba(ConfigReader& reader, int width, float epsilon) {
  nn::MambaConfig mamba;
  mamba.width = width;
  mamba.inner = reader.Count("ssm.inner_size");
  mamba.state = reader.Count("ssm.state_size");
  mamba.taps = reader.Count("ssm.conv_kernel");
  mamba.dt_rank = reader.Count("ssm.time_step_rank");
  mamba.dt_b_c_norms = nn::DtBcNorms::kLearned;
  mamba.norm_epsilon = epsilon;
  return mamba;
}

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
  return nn::FeedForward(w, config.width, config.hidden);
}

}  // namespace

Result<JambaConfig> JambaConfig::Read(const gguf::File& file) {
  ConfigReader reader(file);
  JambaConfig config;
  config.vocabulary = reader.Vocabulary();
  const int layers = reader.Count("block_count");
  config.width = reader.Count("embedding_length");
  config.hidden = reader.Count("feed_forward_length");
  config.trained_context = reader.Count("context_length");
  config.norm_epsilon = reader.Epsilon("attention.layer_norm_rms_epsilon");
  config.mamba = ReadMamba(reader, config.width, config.norm_epsilon);
  config.attention = ReadHybridAttention(reader, config.width, layers);
  config.experts = ReadExperts(reader, config.width, {.hidden = config.hidden});
  BRAID_TRY(reader.status());
  return config;
}

JambaModel::JambaModel(WeightScope& w, const JambaConfig& config)
    : config_(config),
      embedding_(w, config.width, config.vocabulary),
      head_(w, config.width, config.vocabulary, config.norm_epsilon) {
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.push_back(
        {nn::RmsNorm(blk, "attn_norm", config.width, config.norm_epsilon),
         MakeMixer(blk, config, i),
         nn::RmsNorm(blk, "ffn_norm", config.width, config.norm_epsilon),
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
