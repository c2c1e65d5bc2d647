#include "models/llama.h"

#include "base/try.h"
#include "models/config_reader.h"
#include "models/expert_config.h"
#include "models/transformer_config.h"

namespace braid {

namespace {

nn::FeedForward MakeMlp(WeightScope& w, const LlamaConfig& config) {
  if (config.experts.routing.experts > 0) {
    return nn::FeedForward(w, config.experts);
  }
  return nn::FeedForward(w, config.shape.width, config.hidden);
}

}  // namespace

Result<LlamaConfig> LlamaConfig::Read(ConfigReader& reader) {
  LlamaConfig config;
  config.shape = ReadShape(reader);
  config.hidden = reader.Count("feed_forward_length");
  config.experts = ReadExperts(reader, config.shape.width,
                               {.hidden = config.hidden, .normalized = true});

  BRAID_TRY(reader.status());
  config.attention =
      ReadAttention(reader, config.shape.width, config.shape.layers);
  // Mistral's, which other programs do not read for this architecture. One that
  // holds the context is none.
  const int window = reader.Count("attention.sliding_window", 0);
  for (nn::AttentionConfig& attention : config.attention) {
    attention.window = window < config.shape.trained_context ? window : 0;
  }
  BRAID_TRY(reader.status());
  config.rope = ReadRope(reader, config.attention.front().key_dim,
                         RopePairs::kInterleaved);
  BRAID_TRY(reader.status());
  return config;
}

LlamaModel::LlamaModel(WeightScope& w, const LlamaConfig& config)
    : Decoder(w, config.shape, {.ropes = {WithRopeFactors(w, config.rope)}},
              [&](LayerScope& blk) {
                return Layer{
                    blk.Branch("attn_norm",
                               nn::Attention(blk.w, config.attention[blk.layer],
                                             blk.layer)),
                    blk.Branch("ffn_norm", MakeMlp(blk.w, config))};
              }) {}

}  // namespace braid
