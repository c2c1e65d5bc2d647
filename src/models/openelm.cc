#include "models/openelm.h"

#include <string>

#include "base/try.h"
#include "models/config_reader.h"
#include "models/transformer_config.h"

namespace braid {

Result<OpenElmConfig> OpenElmConfig::Read(const gguf::File& file) {
  ConfigReader reader(file);
  OpenElmConfig config;
  config.vocabulary = reader.Vocabulary();
  config.layers = reader.Layers();
  config.width = reader.Count("embedding_length");
  config.trained_context = reader.Count("context_length");
  config.norm_epsilon = reader.Epsilon("attention.layer_norm_rms_epsilon");
  BRAID_TRY(reader.status());
  config.hidden = reader.PerLayer("feed_forward_length", config.layers);
  config.attention = ReadAttention(reader, config.width, config.layers);
  for (nn::AttentionConfig& attention : config.attention) {
    attention.head_norms = true;
    attention.norm_epsilon = config.norm_epsilon;
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
    : config_(config),
      embedding_(w, config.width, config.vocabulary),
      head_(w, config.width, config.vocabulary, config.norm_epsilon) {
  for (int i = 0; i < config.layers && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    layers_.emplace_back(blk, config.attention[i],
                         nn::FeedForward(blk, config.width, config.hidden[i]),
                         config.norm_epsilon, i);
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
