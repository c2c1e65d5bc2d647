#include "models/llama.h"

#include <cmath>
#include <string>

#include "base/format.h"
#include "base/try.h"
#include "models/config_reader.h"
#include "models/expert_config.h"
#include "ops/ops.h"

namespace braid {

namespace {

// What a file may ask for that this model does not do is said, not ignored.
Status RefuseUnsupported(const gguf::File& file) {
  BRAID_ASSIGN(const std::string_view scaling,
               file.GetString("llama.rope.scaling.type", "none"));
  if (scaling != "none" && scaling != "linear") {
    return Error{
        Format("llama.rope.scaling.type: \"{}\" is not supported yet; "
               "supported are none and linear",
               scaling)};
  }
  return {};
}

RopeConfig ReadRope(ConfigReader& reader, int head_dim) {
  RopeConfig rope;
  rope.rotated = reader.Count("rope.dimension_count", head_dim);
  rope.base = reader.Positive("rope.freq_base", 10000.0);
  const double factor = reader.Positive(
      "rope.scaling.factor", reader.Positive("rope.scale_linear", 1.0));
  rope.position_scale = 1.0 / factor;
  rope.pairs = RopePairs::kInterleaved;
  return rope;
}

nn::FeedForward MakeMlp(WeightScope& w, const LlamaConfig& config) {
  if (config.experts.routing.experts > 0) {
    return nn::FeedForward(w, config.experts);
  }
  return nn::FeedForward(w, config.width, config.hidden);
}

}  // namespace

Result<LlamaConfig> LlamaConfig::Read(const gguf::File& file) {
  ConfigReader reader(file);
  BRAID_TRY(RefuseUnsupported(file));
  LlamaConfig config;
  config.vocabulary = reader.Vocabulary();
  config.layers = reader.Count("block_count");
  config.width = reader.Count("embedding_length");
  config.hidden = reader.Count("feed_forward_length");
  config.trained_context = reader.Count("context_length");
  config.norm_epsilon = reader.Epsilon("attention.layer_norm_rms_epsilon");
  config.experts = ReadExperts(reader, config.width,
                               {.hidden = config.hidden, .normalized = true});

  nn::AttentionConfig& attention = config.attention;
  attention.width = config.width;
  attention.heads = reader.Count("attention.head_count");
  attention.kv_heads = reader.Count("attention.head_count_kv", attention.heads);
  BRAID_TRY(reader.status());
  const int head_dim = config.width / attention.heads;
  attention.key_dim = reader.Count("attention.key_length", head_dim);
  attention.value_dim = reader.Count("attention.value_length", head_dim);
  attention.scale = 1.0f / std::sqrt(static_cast<float>(attention.key_dim));
  attention.rope = 0;
  config.rope = ReadRope(reader, attention.key_dim);
  BRAID_TRY(reader.status());
  if (attention.heads % attention.kv_heads != 0) {
    return Error{
        Format("llama.attention.head_count_kv: {} does not divide "
               "head_count {}",
               attention.kv_heads, attention.heads)};
  }
  if (config.rope.rotated > attention.key_dim || config.rope.rotated % 2 != 0) {
    return Error{
        Format("llama.rope.dimension_count: {} must be even and at "
               "most the head size {}",
               config.rope.rotated, attention.key_dim)};
  }
  return config;
}

LlamaModel::LlamaModel(WeightScope& w, const LlamaConfig& config)
    : config_(config),
      embedding_(w, config.width, config.vocabulary),
      head_(w, config.width, config.vocabulary, config.norm_epsilon) {
  if (w.Has("rope_freqs.weight")) {
    config_.rope.frequency_divisors =
        w.Vector("rope_freqs.weight", {config.rope.rotated / 2}, Role::kScale);
  }
  for (int i = 0; i < config.layers && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.push_back(
        {nn::RmsNorm(blk, "attn_norm", config.width, config.norm_epsilon),
         nn::Attention(blk, config.attention, i),
         nn::RmsNorm(blk, "ffn_norm", config.width, config.norm_epsilon),
         MakeMlp(blk, config)});
  }
}

MemorySpec LlamaModel::Memory(DType kv_type) const {
  return {std::vector<LayerSpec>(
      layers_.size(), nn::Attention::Memory(config_.attention, kv_type))};
}

Rows LlamaModel::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = embedding_(compute, pass.tokens);  // {rows, d}
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    ops::AddInto(compute, x,
                 layer.attention(pass, layer.attention_norm(compute, x)));
    ops::AddInto(compute, x, layer.mlp(compute, layer.mlp_norm(compute, x)));
  }
  return x;
}

void LlamaModel::Head(Compute& compute, ConstRows x, Rows logits) const {
  head_(compute, x, logits);
}

}  // namespace braid
