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
#include "models/decoder.h"
#include "nn/feed_forward.h"
#include "nn/latent_attention.h"

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

class Deepseek2Model : public Decoder<nn::LatentAttention, nn::FeedForward> {
 public:
  Deepseek2Model(WeightScope& w, const Deepseek2Config& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_DEEPSEEK2_H_
