#include "models/granite_hybrid.h"

#include "base/try.h"
#include "models/config_reader.h"
#include "models/expert_config.h"
#include "models/hybrid_config.h"
#include "models/mamba2.h"
#include "models/transformer_config.h"

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

GraniteMixer MakeMixer(WeightScope& w, const GraniteHybridConfig& config,
                       int layer) {
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
    : Decoder(w, config.shape,
              {.ropes = {config.rope},
               .embedding_scale = config.embedding_scale,
               .logit_scale = config.logit_scale},
              [&](LayerScope& blk) {
                return Layer{
                    blk.Branch("attn_norm", MakeMixer(blk.w, config, blk.layer),
                               "", config.residual_scale),
                    blk.Branch("ffn_norm", MakeMlp(blk.w, config), "",
                               config.residual_scale)};
              }) {}

}  // namespace braid
