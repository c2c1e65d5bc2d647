#include "models/llama.h"

#include <string>

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
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      head_(w, width(), vocabulary_size(), norm_epsilon()) {
  ReadRopeFactors(w, config_.rope);
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.emplace_back(blk, config.attention[i], MakeMlp(blk, config),
                         norm_epsilon(), i);
  }
}

MemorySpec LlamaModel::Memory(DType kv_type) const {
  return nn::Attention::Memory(config_.attention, kv_type);
}

Rows LlamaModel::Forward(Pass& pass) const {
  const Rows x = embedding_(pass.compute, pass.tokens);  // {rows, d}
  for (const nn::DecoderBlock& layer : layers_) layer.AddTo(pass, x);
  return x;
}

void LlamaModel::Head(Compute& compute, ConstRows x, Rows logits) const {
  head_(compute, x, logits);
}

}  // namespace braid
