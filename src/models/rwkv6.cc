#include "models/rwkv6.h"

#include <string>

#include "base/try.h"
#include "models/rwkv_config.h"
#include "ops/ops.h"
#include "ops/recurrent.h"

namespace braid {

Result<Rwkv6ModelConfig> Rwkv6ModelConfig::Read(ConfigReader& reader) {
  Rwkv6ModelConfig config;
  config.shape = ReadShape(reader, kLayerNormEpsilon);
  config.rescale_every = reader.Count("rescale_every_n_layers", 0);
  config.block.width = config.shape.width;
  config.block.head_size = ReadWkvHeadSize(reader, config.shape.width);
  config.block.hidden = reader.Count("feed_forward_length");
  config.block.mix_rank = reader.Count("time_mix_extra_dim");
  config.block.decay_rank = reader.Count("time_decay_extra_dim");
  BRAID_TRY(reader.status());
  return config;
}

Rwkv6Model::Rwkv6Model(WeightScope& w, const Rwkv6ModelConfig& config)
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      embedding_norm_(w, "token_embd_norm", width(), norm_epsilon()),
      half_(static_cast<size_t>(width()), 0.5f),
      norm_(w, "output_norm", width(), norm_epsilon()),
      output_(w.Matrix("output.weight", width(), vocabulary_size())) {
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.push_back(
        {nn::LayerNorm(blk, "attn_norm", width(), norm_epsilon()),
         nn::Rwkv6TimeMix(blk, config.block, i),
         nn::LayerNorm(blk, "attn_norm_2", width(), norm_epsilon()),
         nn::Rwkv6ChannelMix(blk, config.block, i)});
  }
}

MemorySpec Rwkv6Model::Memory(DType /*kv_type*/) const {
  return {std::vector<LayerSpec>(layers_.size(),
                                 nn::Rwkv6Memory(config_.block.shape()))};
}

Rows Rwkv6Model::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x =  // {rows, D}
      embedding_norm_(compute, embedding_(compute, pass.tokens));
  int done = 0;
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    ops::AddInto(compute, x, layer.time_mix(pass, layer.time_norm(compute, x)));
    ops::AddInto(compute, x,
                 layer.channel_mix(pass, layer.channel_norm(compute, x)));
    ++done;
    if (config_.rescale_every > 0 && done % config_.rescale_every == 0) {
      ops::MultiplyInto(compute, x, ops::Broadcast(half_, x.rows));
    }
  }
  return x;
}

void Rwkv6Model::Replay(Pass& pass) const {
  for (const Layer& layer : layers_) {
    const ArenaScope scope(pass.compute.arena);
    layer.time_mix.Replay(pass);
    layer.channel_mix.Replay(pass);
  }
}

void Rwkv6Model::Head(Compute& compute, ConstRows x, Rows logits) const {
  const ArenaScope scope(compute.arena);
  ops::MatMulInto(compute, output_, norm_(compute, x), logits);
}

}  // namespace braid
