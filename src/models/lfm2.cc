#include "models/lfm2.h"

#include <string>

#include "base/try.h"
#include "models/config_reader.h"
#include "models/hybrid_config.h"
#include "models/transformer_config.h"
#include "nn/replay.h"
#include "ops/ops.h"

namespace braid {

namespace {

std::variant<nn::GatedConv, nn::Attention> MakeMixer(WeightScope& w,
                                                     const Lfm2Config& config,
                                                     int layer) {
  const nn::AttentionConfig& attention =
      config.attention[static_cast<size_t>(layer)];
  if (attention.kv_heads > 0) return nn::Attention(w, attention, layer);
  return nn::GatedConv(w, config.shape.width, config.taps, layer);
}

}  // namespace

Result<Lfm2Config> Lfm2Config::Read(ConfigReader& reader) {
  Lfm2Config config;
  config.shape = ReadShape(reader);
  config.hidden = reader.Count("feed_forward_length");
  config.taps = reader.Count("shortconv.l_cache");
  BRAID_TRY(reader.status());
  config.attention =
      ReadHybridAttention(reader, config.shape.width, config.shape.layers);
  for (nn::AttentionConfig& attention : config.attention) {
    attention.rope = 0;
    attention.head_norms = true;
    attention.norm_epsilon = config.shape.norm_epsilon;
  }
  config.rope =
      ReadRope(reader, config.attention.front().key_dim, RopePairs::kHalves);
  BRAID_TRY(reader.status());
  return config;
}

Lfm2Model::Lfm2Model(WeightScope& w, const Lfm2Config& config)
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      norm_(w, "token_embd_norm", width(), norm_epsilon()),
      output_(w.Matrix(
          w.Has("output.weight") ? "output.weight" : "token_embd.weight",
          width(), vocabulary_size())) {
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.push_back({nn::RmsNorm(blk, "attn_norm", width(), norm_epsilon()),
                       MakeMixer(blk, config, i),
                       nn::RmsNorm(blk, "ffn_norm", width(), norm_epsilon()),
                       nn::GatedMlp(blk, width(), config.hidden)});
  }
}

MemorySpec Lfm2Model::Memory(DType kv_type) const {
  MemorySpec spec;
  for (const nn::AttentionConfig& attention : config_.attention) {
    spec.layers.push_back(attention.kv_heads > 0
                              ? nn::Attention::Memory(attention, kv_type)
                              : nn::GatedConv::Memory(width(), config_.taps));
  }
  return spec;
}

Rows Lfm2Model::Forward(Pass& pass) const {
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

void Lfm2Model::Replay(Pass& pass) const {
  for (const Layer& layer : layers_) {
    const ArenaScope scope(pass.compute.arena);
    nn::ReplayState(layer.mixer, pass);
  }
}

void Lfm2Model::Head(Compute& compute, ConstRows x, Rows logits) const {
  const ArenaScope scope(compute.arena);
  ops::MatMulInto(compute, output_, norm_(compute, x), logits);
}

}  // namespace braid
