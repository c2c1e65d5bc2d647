#include "models/jamba.h"

#include <cmath>
#include <string>

#include "base/format.h"
#include "base/try.h"
#include "models/config_reader.h"
#include "models/expert_config.h"
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

nn::AttentionConfig ReadAttention(ConfigReader& reader, int width) {
  nn::AttentionConfig attention;
  attention.width = width;
  attention.heads = reader.Count("attention.head_count");
  const int head_dim = width / attention.heads;
  attention.key_dim = reader.Count("attention.key_length", head_dim);
  attention.value_dim = reader.Count("attention.value_length", head_dim);
  attention.scale = 1.0f / std::sqrt(static_cast<float>(attention.key_dim));
  return attention;
}

nn::AttentionConfig AttentionOf(const JambaConfig& config, int layer) {
  nn::AttentionConfig attention = config.attention;
  attention.kv_heads = config.kv_heads[layer];
  return attention;
}

std::variant<nn::MambaMixer, nn::Attention> MakeMixer(WeightScope& w,
                                                      const JambaConfig& config,
                                                      int layer) {
  if (config.kv_heads[layer] == 0) {
    return nn::MambaMixer(w, config.mamba, layer);
  }
  return nn::Attention(w, AttentionOf(config, layer), layer);
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
  config.kv_heads = reader.PerLayer("attention.head_count_kv", layers);
  config.mamba = ReadMamba(reader, config.width, config.norm_epsilon);
  config.attention = ReadAttention(reader, config.width);
  config.experts = ReadExperts(reader, config.width, {.hidden = config.hidden});
  BRAID_TRY(reader.status());
  for (const int kv_heads : config.kv_heads) {
    if (kv_heads != 0 && config.attention.heads % kv_heads != 0) {
      return Error{
          Format("jamba.attention.head_count_kv: {} does not divide "
                 "head_count {}",
                 kv_heads, config.attention.heads)};
    }
  }
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
  for (int i = 0; i < layers(); ++i) {
    spec.layers.push_back(
        config_.kv_heads[i] == 0
            ? nn::MambaMixer::Memory(config_.mamba)
            : nn::Attention::Memory(AttentionOf(config_, i), kv_type));
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

void JambaModel::Head(Compute& compute, ConstRows x, Rows logits) const {
  head_(compute, x, logits);
}

}  // namespace braid
