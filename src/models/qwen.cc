#include "models/qwen.h"

#include <string>
#include <string_view>

#include "base/try.h"
#include "models/config_reader.h"
#include "models/transformer_config.h"

namespace braid {

Result<QwenConfig> QwenConfig::Read(ConfigReader& reader) {
  QwenConfig config;
  config.shape = ReadShape(reader);
  config.hidden = reader.Count("feed_forward_length");
  BRAID_TRY(reader.status());
  config.attention =
      ReadAttention(reader, config.shape.width, config.shape.layers);
  for (nn::AttentionConfig& attention : config.attention) {
    attention.head_norms = reader.architecture() == "qwen3";
    attention.norm_epsilon = config.shape.norm_epsilon;
  }
  BRAID_TRY(reader.status());
  config.rope =
      ReadRope(reader, config.attention.front().key_dim, RopePairs::kHalves);
  BRAID_TRY(reader.status());
  return config;
}

QwenModel::QwenModel(WeightScope& w, const QwenConfig& config)
    : Decoder(w, config.shape, {.ropes = {WithRopeFactors(w, config.rope)}},
              [&](LayerScope& blk) {
                return Layer{
                    blk.Branch("attn_norm",
                               nn::Attention(blk.w, config.attention[blk.layer],
                                             blk.layer)),
                    blk.Branch("ffn_norm",
                               nn::GatedMlp(blk.w, width(), config.hidden))};
              }) {}

}  // namespace braid
