#include "models/qwen35.h"

#include "base/format.h"
#include "base/try.h"
#include "models/config_reader.h"
#include "models/expert_config.h"
#include "models/hybrid_config.h"
#include "models/transformer_config.h"

namespace braid {

namespace {

// The converter of published files put the value heads in this order:
// neighbours have different key heads. Files with Ollama's key say it
// themselves.
constexpr bool kReordered = true;

DeltaShape ReadDeltaShape(ConfigReader& reader) {
  DeltaShape shape;
  shape.key_heads = reader.Count("ssm.group_count");
  shape.key_dim = reader.Count("ssm.state_size");
  shape.heads = reader.Count("ssm.time_step_rank");
  shape.order = reader.Flag("ssm.v_head_reordered", kReordered)
                    ? HeadOrder::kTiled
                    : HeadOrder::kGrouped;
  const int inner = reader.Count("ssm.inner_size");
  if (inner % shape.heads != 0) {
    reader.Refuse("ssm.inner_size",
                  Format("{} is no multiple of {} heads", inner, shape.heads));
  }
  if (shape.heads % shape.key_heads != 0) {
    reader.Refuse("ssm.time_step_rank",
                  Format("{} is no multiple of group_count {}", shape.heads,
                         shape.key_heads));
    shape.key_heads = shape.heads;
  }
  shape.value_dim = inner / shape.heads;
  constexpr int64_t kMost = ConfigReader::kLargestCount;
  if (shape.HeadFloats() > kMost ||
      2 * shape.key_channels() + shape.channels() > kMost) {
    reader.Refuse("ssm.state_size",
                  Format("heads of {} by {} channels are more than is "
                         "supported",
                         shape.key_dim, shape.value_dim));
  }
  return shape;
}

nn::GatedDeltaNetConfig ReadDelta(ConfigReader& reader,
                                  const ModelShape& model) {
  return {.width = model.width,
          .shape = ReadDeltaShape(reader),
          .taps = reader.Count("ssm.conv_kernel"),
          .norm_epsilon = model.norm_epsilon};
}

// For each of `blocks`: is it a delta net?
std::vector<int> ReadRecurrent(ConfigReader& reader, int blocks) {
  constexpr std::string_view kLayers = "attention.recurrent_layers";
  const int interval = reader.Count("full_attention_interval", 4);
  if (reader.Has(kLayers)) return reader.PerLayer(kLayers, blocks);
  std::vector<int> recurrent;
  for (int i = 0; i < blocks; ++i) {
    recurrent.push_back((i + 1) % interval != 0 ? 1 : 0);
  }
  return recurrent;
}

std::vector<nn::AttentionConfig> ReadGatedAttention(ConfigReader& reader,
                                                    const ModelShape& model,
                                                    int blocks) {
  std::vector<nn::AttentionConfig> configs =
      ReadHybridAttention(reader, model.width, blocks);
  const std::vector<int> recurrent = ReadRecurrent(reader, blocks);
  for (int i = 0; i < blocks; ++i) {
    nn::AttentionConfig& config = configs[i];
    if (recurrent[i] != 0) {
      config.kv_heads = 0;
    } else if (config.kv_heads == 0) {
      reader.Refuse("attention.head_count_kv",
                    Format("0 in layer {}, which is not recurrent", i));
    }
    config.rope = 0;
    config.head_norms = true;
    config.output_gate = true;
    config.norm_epsilon = model.norm_epsilon;
  }
  if (configs.front().key_dim != configs.front().value_dim) {
    reader.Refuse("attention.value_length",
                  Format("{} is not the key_length {}",
                         configs.front().value_dim, configs.front().key_dim));
  }
  configs.resize(model.layers);
  return configs;
}

Qwen35Mixer MakeMixer(WeightScope& w, const Qwen35Config& config, int layer) {
  const nn::AttentionConfig& attention = config.attention[layer];
  if (attention.kv_heads > 0) return nn::Attention(w, attention, layer);
  return nn::GatedDeltaNet(w, config.delta, layer);
}

nn::FeedForward MakeMlp(WeightScope& w, const Qwen35Config& config) {
  if (config.experts.routing.experts > 0) {
    return nn::FeedForward(w, config.experts);
  }
  return nn::FeedForward(w, config.shape.width, config.hidden);
}

}  // namespace

Result<Qwen35Config> Qwen35Config::Read(ConfigReader& reader) {
  Qwen35Config config;
  config.shape = ReadShape(reader);
  const int blocks = config.shape.layers;
  const int ahead = reader.Count("nextn_predict_layers", 0);
  if (ahead >= blocks) {
    reader.Refuse("nextn_predict_layers",
                  Format("{} of {} blocks", ahead, blocks));
  }
  BRAID_TRY(reader.status());
  config.shape.layers = blocks - ahead;
  config.attention = ReadGatedAttention(reader, config.shape, blocks);
  config.delta = ReadDelta(reader, config.shape);
  config.experts =
      ReadExperts(reader, config.shape.width, {.normalized = true});
  config.experts.shared_hidden =
      reader.Count("expert_shared_feed_forward_length", 0);
  config.hidden = reader.Count("feed_forward_length", 0);
  if (config.experts.routing.experts == 0 && config.hidden == 0) {
    reader.Refuse("feed_forward_length", "0, and there are no experts");
  }
  config.rope =
      ReadRope(reader, config.attention.front().key_dim, RopePairs::kHalves);
  BRAID_TRY(reader.status());
  return config;
}

Qwen35Model::Qwen35Model(WeightScope& w, const Qwen35Config& config)
    : Decoder(
          w, config.shape, {.ropes = {WithRopeFactors(w, config.rope)}},
          [&](LayerScope& blk) {
            return Layer{
                blk.Branch("attn_norm", MakeMixer(blk.w, config, blk.layer)),
                blk.Branch("post_attention_norm", MakeMlp(blk.w, config))};
          }) {}

}  // namespace braid
