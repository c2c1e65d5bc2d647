#include "models/jamba.h"

#include "base/try.h"
#include "models/config_reader.h"
#include "models/expert_config.h"
#include "models/hybrid_config.h"
#include "models/mamba.h"

namespace braid {

namespace {

JambaMixer MakeMixer(WeightScope& w, const JambaConfig& config, int layer) {
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
    : Decoder(w, config.shape, {}, [&](LayerScope& blk) {
        return Layer{
            blk.Branch("attn_norm", MakeMixer(blk.w, config, blk.layer)),
            blk.Branch("ffn_norm", MakeMlp(blk.w, config))};
      }) {}

}  // namespace braid
