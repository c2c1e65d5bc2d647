#include "models/rwkv7.h"

#include <string>

#include "base/try.h"
#include "models/rwkv_config.h"
#include "ops/ops.h"

namespace braid {

Result<Rwkv7ModelConfig> Rwkv7ModelConfig::Read(ConfigReader& reader) {
  Rwkv7ModelConfig config;
  config.shape = ReadShape(reader, kLayerNormEpsilon);
  config.block.width = config.shape.width;
  config.block.head_size = ReadWkvHeadSize(reader, config.shape.width);
  config.block.hidden = reader.Count("feed_forward_length");
  config.block.decay_rank = reader.Count("attention.decay_lora_rank");
  config.block.rate_rank = reader.Count("attention.iclr_lora_rank");
  config.block.residual_rank =
      reader.Count("attention.value_residual_mix_lora_rank");
  config.block.gate_rank = reader.Count("attention.gate_lora_rank");
  BRAID_TRY(reader.status());
  return config;
}

Rwkv7Model::Rwkv7Model(WeightScope& w, const Rwkv7ModelConfig& config)
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      embedding_norm_(w, "token_embd_norm", width(), norm_epsilon()),
      norm_(w, "output_norm", width(), norm_epsilon()),
      output_(w.Matrix("output.weight", width(), vocabulary_size())) {
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.push_back(
        {nn::LayerNorm(blk, "attn_norm", width(), norm_epsilon()),
         nn::Rwkv7TimeMix(blk, config.block, i),
         nn::LayerNorm(blk, "attn_norm_2", width(), norm_epsilon()),
         nn::Rwkv7ChannelMix(blk, config.block, i)});
  }
}

MemorySpec Rwkv7Model::Memory(DType /*kv_type*/) const {
  return {std::vector<LayerSpec>(layers_.size(),
                                 nn::Rwkv7Memory(config_.block.shape()))};
}

Rows Rwkv7Model::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x =  // {rows, D}
      embedding_norm_(compute, embedding_(compute, pass.tokens));
  const Rows first_values = compute.NewRows(pass.rows(), width());
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    ops::AddInto(
        compute, x,
        layer.time_mix(pass, layer.time_norm(compute, x), first_values));
    ops::AddInto(compute, x,
                 layer.channel_mix(pass, layer.channel_norm(compute, x)));
  }
  return x;
}

void Rwkv7Model::Replay(Pass& pass) const {
  for (const Layer& layer : layers_) {
    const ArenaScope scope(pass.compute.arena);
    layer.time_mix.Replay(pass);
    layer.channel_mix.Replay(pass);
  }
}

void Rwkv7Model::Head(Compute& compute, ConstRows x, Rows logits) const {
  const ArenaScope scope(compute.arena);
  ops::MatMulInto(compute, output_, norm_(compute, x), logits);
}

}  // namespace braid
