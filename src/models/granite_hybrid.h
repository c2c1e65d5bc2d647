// Granite 4 (GGUF "granitehybrid"): Mamba-2 layers with attention in between, a
// gated MLP or a mixture of experts after each, and fixed scales.
//
// Sources: IBM, "Granite 4.0 language models", 2025 (model cards); Dao and Gu,
// 2024 (Mamba-2); Yang et al., "Tensor Programs V", 2022 (where the scales,
// muP's multipliers, come from).
//
//   name here             GGUF key (granitehybrid.)
//   width                 embedding_length
//   mamba.*               see nn/mamba2_mixer.h
//   attention[i].kv_heads attention.head_count_kv; 0: Mamba-2
//   hidden                feed_forward_length: of the MLP, or of each expert
//   experts.shared_hidden expert_shared_feed_forward_length
//   embedding_scale       embedding_scale: embeddings are multiplied by it
//   residual_scale        residual_scale: so is what a part adds to the stream
//   attention[i].scale    attention.scale; absent or 0: 1 / sqrt(key length)
//   logit_scale           1 / logit_scale: logits are divided by the key
//   -                     rope.scaling.finetuned: do heads turn? Absent: yes
#ifndef BRAID_SRC_MODELS_GRANITE_HYBRID_H_
#define BRAID_SRC_MODELS_GRANITE_HYBRID_H_

#include <variant>
#include <vector>

#include "braid/result.h"
#include "models/decoder.h"
#include "nn/attention.h"
#include "nn/feed_forward.h"
#include "nn/mamba2_mixer.h"

namespace braid {

struct GraniteHybridConfig {
  ModelShape shape;
  int hidden = 0;
  float embedding_scale = 1;
  float residual_scale = 1;
  float logit_scale = 1;
  nn::Mamba2Config mamba;
  // [layers]; without KV heads: a Mamba-2 layer.
  std::vector<nn::AttentionConfig> attention;
  nn::MoeConfig experts;  // routing.experts 0: dense
  RopeConfig rope;

  static Result<GraniteHybridConfig> Read(ConfigReader& reader);
};

using GraniteMixer = std::variant<nn::Mamba2Mixer, nn::Attention>;

class GraniteHybridModel : public Decoder<GraniteMixer, nn::FeedForward> {
 public:
  GraniteHybridModel(WeightScope& w, const GraniteHybridConfig& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_GRANITE_HYBRID_H_
