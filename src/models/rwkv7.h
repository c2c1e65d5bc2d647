// RWKV-7 "Goose" (GGUF "rwkv7").
//
// Paper: Peng et al., "RWKV-7 Goose with Expressive Dynamic State Evolution",
// 2025, section 4.
//
//   symbol          here                 GGUF key
//   D               width                rwkv7.embedding_length
//   D / h           block.head_size      rwkv7.wkv.head_size
//                   block.hidden         rwkv7.feed_forward_length
//   d_w             block.decay_rank     rwkv7.attention.decay_lora_rank
//   d_a             block.rate_rank      rwkv7.attention.iclr_lora_rank
//   d_v             block.residual_rank  rwkv7.attention.
//                                            value_residual_mix_lora_rank
//   d_g             block.gate_rank      rwkv7.attention.gate_lora_rank
#ifndef BRAID_SRC_MODELS_RWKV7_H_
#define BRAID_SRC_MODELS_RWKV7_H_

#include <vector>

#include "braid/result.h"
#include "models/language_model.h"
#include "nn/norm.h"
#include "nn/rwkv6.h"
#include "nn/rwkv7.h"
#include "nn/vocabulary_layers.h"

namespace braid {

struct Rwkv7ModelConfig {
  ModelShape shape;
  nn::Rwkv7Config block;

  static Result<Rwkv7ModelConfig> Read(ConfigReader& reader);
};

class Rwkv7Model : public LanguageModel {
 public:
  // Layer norms attn_norm (before the time mix) and attn_norm_2 (before the
  // channel mix), token_embd_norm and output_norm; output.weight.
  Rwkv7Model(WeightScope& w, const Rwkv7ModelConfig& config);

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
    nn::Rwkv7TimeMix time_mix;
    nn::LayerNorm channel_norm;
    nn::Rwkv7ChannelMix channel_mix;
  };

  Rwkv7ModelConfig config_;
  nn::TokenEmbedding embedding_;
  nn::LayerNorm embedding_norm_;
  std::vector<Layer> layers_;
  nn::LayerNorm norm_;
  PackedMatrix output_;
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_RWKV7_H_
