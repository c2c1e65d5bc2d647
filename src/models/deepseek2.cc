#include "models/deepseek2.h"

#include <cmath>

#include "base/format.h"
#include "base/try.h"
#include "models/config_reader.h"
#include "models/expert_config.h"
#include "models/transformer_config.h"

namespace braid {

namespace {

RopeConfig ReadRope(ConfigReader& reader) {
  RopeConfig rope;
  rope.rotated = reader.Count("rope.dimension_count");
  rope.base = reader.Positive("rope.freq_base", 10000.0);
  rope.position_scale = 1.0 / reader.Positive("rope.scaling.factor", 1.0);
  rope.pairs = RopePairs::kInterleaved;
  const std::string scaling = reader.Text("rope.scaling.type", "linear");
  if (scaling == "yarn") {
    rope.yarn = ReadYarnRamp(
        reader, reader.Count("rope.scaling.original_context_length"));
    // The temperature is on the score (ScoreScale).
    rope.magnitude = ReadYarnMagnitude(reader);
  } else if (scaling == "none") {
    rope.position_scale = 1.0;
  } else if (scaling != "linear") {
    reader.Refuse("rope.scaling.type",
                  Format("\"{}\" is not supported; supported are none, linear "
                         "and yarn",
                         scaling));
  }
  if (rope.rotated % 2 != 0) {
    reader.Refuse("rope.dimension_count",
                  Format("{} is not even", rope.rotated));
  }
  return rope;
}

// 1 / sqrt(key length), times the square of what YaRN (Peng et al. 2023,
// section 3.4) puts on the angles of queries and of keys: V2 and V3 put it on
// all of the score. The key holds 0.1 mscale_all_dim.
float ScoreScale(ConfigReader& reader, const RopeConfig& rope, int key_length) {
  const double plain = 1.0 / std::sqrt(static_cast<double>(key_length));
  if (!rope.yarn) return static_cast<float>(plain);
  const double slope = reader.Number("rope.scaling.yarn_log_multiplier", 0.0);
  const double magnitude = 1.0 - slope * std::log(rope.position_scale);
  return static_cast<float>(plain * magnitude * magnitude);
}

nn::LatentAttentionConfig ReadAttention(ConfigReader& reader, int width,
                                        const RopeConfig& rope) {
  nn::LatentAttentionConfig attention;
  attention.width = width;
  attention.heads = reader.Count("attention.head_count");
  attention.rank = reader.Count("attention.kv_lora_rank");
  attention.query_rank = reader.Count("attention.q_lora_rank", 0);
  const bool split = reader.Has("attention.key_length_mla");
  const int key_length =
      reader.Count(split ? "attention.key_length_mla" : "attention.key_length");
  attention.value_dim = reader.Count(split ? "attention.value_length_mla"
                                           : "attention.value_length");
  attention.rotary = rope.rotated;
  attention.nope = key_length - rope.rotated;
  if (attention.nope < 1) {
    reader.Refuse("rope.dimension_count",
                  Format("{} must be less than the key length {}", rope.rotated,
                         key_length));
  }
  attention.scale = ScoreScale(reader, rope, key_length);
  attention.norm_epsilon = reader.Epsilon("attention.layer_norm_rms_epsilon");
  return attention;
}

nn::FeedForward MakeMlp(WeightScope& w, const Deepseek2Config& config,
                        int layer) {
  if (layer < config.dense_layers) {
    return nn::FeedForward(w, config.shape.width, config.hidden);
  }
  return nn::FeedForward(w, config.experts);
}

}  // namespace

Result<Deepseek2Config> Deepseek2Config::Read(ConfigReader& reader) {
  Deepseek2Config config;
  config.shape = ReadShape(reader);
  // Layers that predict further ahead come last and are not run.
  const int extra_layers = reader.Count("nextn_predict_layers", 0);
  config.shape.layers -= extra_layers;
  config.hidden = reader.Count("feed_forward_length");
  config.rope = ReadRope(reader);
  config.attention = ReadAttention(reader, config.shape.width, config.rope);
  config.experts = ReadExperts(reader, config.shape.width, {});
  config.dense_layers = reader.Count("leading_dense_block_count", 0);
  // Without experts every layer is dense.
  if (config.experts.routing.experts == 0) {
    config.dense_layers = config.shape.layers;
  }
  const int64_t shared =
      int64_t{reader.Count("expert_shared_count", 0)} * config.experts.hidden;
  if (shared > ConfigReader::kLargestCount) {
    reader.Refuse("expert_shared_count",
                  Format("{} units of shared experts", shared));
  }
  BRAID_TRY(reader.status());
  if (config.shape.layers < 1) {
    return Error{Format("deepseek2.nextn_predict_layers: {} of {} layers",
                        extra_layers, config.shape.layers + extra_layers)};
  }
  config.experts.shared_hidden = static_cast<int>(shared);
  return config;
}

Deepseek2Model::Deepseek2Model(WeightScope& w, const Deepseek2Config& config)
    : Decoder(w, config.shape, {.ropes = {config.rope}}, [&](LayerScope& blk) {
        return Layer{
            blk.Branch("attn_norm",
                       nn::LatentAttention(blk.w, config.attention, blk.layer)),
            blk.Branch("ffn_norm", MakeMlp(blk.w, config, blk.layer))};
      }) {}

}  // namespace braid
