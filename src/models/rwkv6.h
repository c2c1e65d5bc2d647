// RWKV-6 "Finch" (GGUF "rwkv6").
//
// Paper: Peng et al., "Eagle and Finch", 2024, section 4 and figure 1.
//
//   symbol     here              GGUF key
//   D          width             rwkv6.embedding_length
//   D / h      block.head_size   rwkv6.wkv.head_size
//              block.hidden      rwkv6.feed_forward_length
//              block.mix_rank    rwkv6.time_mix_extra_dim
//              block.decay_rank  rwkv6.time_decay_extra_dim
//              rescale_every     rwkv6.rescale_every_n_layers
//
// Files divide what layer i adds to the residual stream by 2 ^ (i /
// rescale_every), and the stream is halved after every so many layers: it stays
// in the range of half precision, and is the same function but for epsilon.
#ifndef BRAID_SRC_MODELS_RWKV6_H_
#define BRAID_SRC_MODELS_RWKV6_H_

#include <vector>

#include "braid/result.h"
#include "models/language_model.h"
#include "nn/norm.h"
#include "nn/rwkv6.h"
#include "nn/vocabulary_layers.h"

namespace braid {

struct Rwkv6ModelConfig {
  ModelShape shape;
  int rescale_every = 0;  // 0: never
  nn::Rwkv6Config block;

  static Result<Rwkv6ModelConfig> Read(ConfigReader& reader);
};

class Rwkv6Model : public LanguageModel {
 public:
  // Layer norms attn_norm (before the time mix) and attn_norm_2 (before the
  // channel mix), token_embd_norm and output_norm; output.weight.
  Rwkv6Model(WeightScope& w, const Rwkv6ModelConfig& config);

  MemorySpec Memory(DType kv_type) const override;
  Rows Forward(Pass& pass) const override;
  void Replay(Pass& pass) const override;
  ConstRows Hidden(Compute& compute, ConstRows x) const override {
    return norm_(compute, x);
  }
  void Head(Compute& compute, ConstRows x, Rows logits) const override;

 private:
  struct Layer {
    nn::LayerNorm time_norm;
    nn::Rwkv6TimeMix time_mix;
    nn::LayerNorm channel_norm;
    nn::Rwkv6ChannelMix channel_mix;
  };

  Rwkv6ModelConfig config_;
  nn::TokenEmbedding embedding_;
  nn::LayerNorm embedding_norm_;
  std::vector<Layer> layers_;
  std::vector<float> half_;  // [width]
  nn::LayerNorm norm_;
  PackedMatrix output_;
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_RWKV6_H_
