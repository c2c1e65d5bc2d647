#include "models/openelm.h"

#include <string>

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
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      head_(w, width(), vocabulary_size(), norm_epsilon()) {
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.emplace_back(blk, config.attention[i],
                         nn::FeedForward(blk, width(), config.hidden[i]),
                         norm_epsilon(), i);
  }
}

MemorySpec OpenElmModel::Memory(DType kv_type) const {
  return nn::Attention::Memory(config_.attention, kv_type);
}

Rows OpenElmModel::Forward(Pass& pass) const {
  const Rows x = embedding_(pass.compute, pass.tokens);  // {rows, d}
  for (const nn::DecoderBlock& layer : layers_) layer.AddTo(pass, x);
  return x;
}

void OpenElmModel::Head(Compute& compute, ConstRows x, Rows logits) const {
  head_(compute, x, logits);
}

}  // namespace braid
