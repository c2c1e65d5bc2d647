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
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      head_(w, width(), vocabulary_size(), norm_epsilon()) {
  ReadRopeFactors(w, config_.rope);
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.emplace_back(blk, config.attention[i],
                         nn::FeedForward(blk, width(), config.hidden),
                         norm_epsilon(), i);
  }
}

MemorySpec QwenModel::Memory(DType kv_type) const {
  return nn::Attention::Memory(config_.attention, kv_type);
}

Rows QwenModel::Forward(Pass& pass) const {
  const Rows x = embedding_(pass.compute, pass.tokens);  // {rows, d}
  for (const nn::DecoderBlock& layer : layers_) layer.AddTo(pass, x);
  return x;
}

void QwenModel::Head(Compute& compute, ConstRows x, Rows logits) const {
  head_(compute, x, logits);
}

}  // namespace braid
