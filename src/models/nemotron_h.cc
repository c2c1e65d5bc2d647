#include "models/nemotron_h.h"

#include "base/format.h"
#include "base/try.h"
#include "models/config_reader.h"
#include "models/hybrid_config.h"
#include "models/mamba2.h"

namespace braid {

namespace {

NemotronHPart MakePart(WeightScope& w, const NemotronHConfig& config,
                       int layer) {
  const nn::AttentionConfig& attention = config.attention[layer];
  const int hidden = config.hidden[layer];
  if (attention.kv_heads > 0) return nn::Attention(w, attention, layer);
  if (hidden > 0) {
    return nn::Mlp(w, config.shape.width, hidden, Nonlinearity::kReluSquared);
  }
  return nn::Mamba2Mixer(w, config.mamba, layer);
}

}  // namespace

Result<NemotronHConfig> NemotronHConfig::Read(ConfigReader& reader) {
  NemotronHConfig config;
  // Older files give the epsilon of the RMS norms under the other key.
  config.shape = ReadShape(
      reader, reader.Has(kRmsEpsilon) ? kRmsEpsilon : kLayerNormEpsilon);
  config.attention =
      ReadHybridAttention(reader, config.shape.width, config.shape.layers);
  config.hidden = reader.PerLayer("feed_forward_length", config.shape.layers);
  for (int i = 0; i < config.shape.layers; ++i) {
    const int kv_heads = config.attention[i].kv_heads;
    if (kv_heads == 0 || config.hidden[i] == 0) continue;
    reader.Refuse("feed_forward_length",
                  Format("{} in layer {}, which has {} KV heads",
                         config.hidden[i], i, kv_heads));
  }
  config.mamba =
      ReadMamba2(reader, config.shape.width, config.shape.norm_epsilon);
  BRAID_TRY(reader.status());
  return config;
}

NemotronHModel::NemotronHModel(WeightScope& w, const NemotronHConfig& config)
    : Decoder(w, config.shape, {}, [&](LayerScope& blk) {
        return Layer{
            blk.Branch("attn_norm", MakePart(blk.w, config, blk.layer))};
      }) {}

}  // namespace braid
