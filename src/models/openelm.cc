#include "models/openelm.h"

#include "base/try.h"
#include "models/config_reader.h"
#include "models/transformer_config.h"

namespace braid {

Result<OpenElmConfig> OpenElmConfig::Read(ConfigReader& reader) {
  OpenElmConfig config;
  config.shape = ReadShape(reader);
  BRAID_TRY(reader.status());
  config.hidden = reader.PerLayer("feed_forward_length", config.shape.layers);
  config.attention =
      ReadAttention(reader, config.shape.width, config.shape.layers);
  for (nn::AttentionConfig& attention : config.attention) {
    attention.head_norms = true;
    attention.norm_epsilon = config.shape.norm_epsilon;
  }
  for (const int hidden : config.hidden) {
    if (hidden < 1) {
      reader.Refuse("feed_forward_length", "a layer has no width");
    }
  }
  BRAID_TRY(reader.status());
  config.rope =
      ReadRope(reader, config.attention.front().key_dim, RopePairs::kHalves);
  BRAID_TRY(reader.status());
  return config;
}

OpenElmModel::OpenElmModel(WeightScope& w, const OpenElmConfig& config)
    : Decoder(w, config.shape, {.ropes = {config.rope}}, [&](LayerScope& blk) {
        return Layer{
            blk.Branch(
                "attn_norm",
                nn::Attention(blk.w, config.attention[blk.layer], blk.layer)),
            blk.Branch("ffn_norm",
                       nn::GatedMlp(blk.w, width(), config.hidden[blk.layer]))};
      }) {}

}  // namespace braid
