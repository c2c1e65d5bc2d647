#include "models/lfm2.h"

#include "base/try.h"
#include "models/config_reader.h"
#include "models/hybrid_config.h"
#include "models/transformer_config.h"

namespace braid {

namespace {

Lfm2Mixer MakeMixer(WeightScope& w, const Lfm2Config& config, int layer) {
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
    : Decoder(
          w, config.shape,
          {.ropes = {config.rope}, .final_norm = "token_embd_norm"},
          [&](LayerScope& blk) {
            return Layer{
                blk.Branch("attn_norm", MakeMixer(blk.w, config, blk.layer)),
                blk.Branch("ffn_norm",
                           nn::GatedMlp(blk.w, width(), config.hidden))};
          }) {}

}  // namespace braid
