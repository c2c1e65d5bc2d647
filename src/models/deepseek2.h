// DeepSeek-V2 and -V3 (GGUF "deepseek2"): latent attention, and mixtures of
// experts after the first layers.
//
// Papers: DeepSeek-AI, "DeepSeek-V2", 2024; "DeepSeek-V3 Technical Report",
// 2024 (sigmoid router with a bias for the choice, section 2.1.2).
//
//   symbol        here                       GGUF key (deepseek2.)
//   d             width                      embedding_length
//   -             attention.*                see nn/latent_attention.h
//   -             hidden                     feed_forward_length
//   -             dense_layers               leading_dense_block_count
//   N_r, K_r      experts.routing.experts,   expert_count,
//                 .selected                  expert_used_count
//   N_s           experts.shared_hidden      expert_shared_count, times
//                                            expert_feed_forward_length
//   s, alpha      rope.position_scale        1 / rope.scaling.factor
//
// Files made before attn_kv_b was split give key_length and value_length of a
// head; newer ones those of the cache, and key_length_mla, value_length_mla.
#ifndef BRAID_SRC_MODELS_DEEPSEEK2_H_
#define BRAID_SRC_MODELS_DEEPSEEK2_H_

#include <vector>

#include "braid/result.h"
#include "models/language_model.h"
#include "nn/feed_forward.h"
#include "nn/latent_attention.h"
#include "nn/norm.h"
#include "nn/vocabulary_layers.h"

namespace braid {

struct Deepseek2Config {
  ModelShape shape;
  int dense_layers = 0;
  int hidden = 0;
  nn::LatentAttentionConfig attention;
  nn::MoeConfig experts;
  RopeConfig rope;

  static Result<Deepseek2Config> Read(ConfigReader& reader);
};

class Deepseek2Model : public LanguageModel {
 public:
  Deepseek2Model(WeightScope& w, const Deepseek2Config& config);

  MemorySpec Memory(DType kv_type) const override;
  std::vector<RopeConfig> ropes() const override { return {config_.rope}; }
  Rows Forward(Pass& pass) const override;
  ConstRows Hidden(Compute& compute, ConstRows x) const override {
    return head_.Hidden(compute, x);
  }
  void Head(Compute& compute, ConstRows x, Rows logits) const override;

 private:
  struct Layer {
    nn::RmsNorm attention_norm;
    nn::LatentAttention attention;
    nn::RmsNorm mlp_norm;
    nn::FeedForward mlp;
  };

  Deepseek2Config config_;
  nn::TokenEmbedding embedding_;
  std::vector<Layer> layers_;
  nn::OutputHead head_;
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_DEEPSEEK2_H_
