// Qwen3.5 to 3.8 (GGUF "qwen35", and "qwen35moe" with a mixture of experts in
// every layer): gated delta nets, with gated attention in every fourth layer.
//
// Papers: Yang et al., "Gated Delta Networks", 2024; Qiu et al., "Gated
// Attention for Large Language Models", 2025; Qwen3-Next's model card, 2025
// (the two in one model). A stands for the architecture's name.
//
//   symbol    here                   GGUF key
//   d         width                  A.embedding_length
//   n_heads   attention[].heads      A.attention.head_count
//   n_kv      attention[].kv_heads   A.attention.head_count_kv
//   d_head    attention[].key_dim    A.attention.key_length
//   d_ff      hidden                 A.feed_forward_length
//   theta     rope.base              A.rope.freq_base
//   -         delta.*                see nn/gated_delta_net.h
//   -         experts.*              see models/expert_config.h, and
//                                    A.expert_shared_feed_forward_length
//   -         attention[i].kv_heads 0, a delta net: all layers but every
//             A.full_attention_interval-th (4), or as A.attention.
//             recurrent_layers says for each
//
// The axes of the rotation (A.rope.dimension_sections) all stand at the token's
// position in a text, so that it is the plain one. Blocks that predict further
// ahead (A.nextn_predict_layers) come last and are not run.
#ifndef BRAID_SRC_MODELS_QWEN35_H_
#define BRAID_SRC_MODELS_QWEN35_H_

#include <variant>
#include <vector>

#include "braid/result.h"
#include "models/decoder.h"
#include "nn/attention.h"
#include "nn/feed_forward.h"
#include "nn/gated_delta_net.h"

namespace braid {

struct Qwen35Config {
  ModelShape shape;
  int hidden = 0;  // of the MLP, where there are no experts
  nn::GatedDeltaNetConfig delta;
  std::vector<nn::AttentionConfig> attention;  // [layers]; no KV heads: delta
  nn::MoeConfig experts;                       // routing.experts 0: dense
  RopeConfig rope;

  static Result<Qwen35Config> Read(ConfigReader& reader);
};

using Qwen35Mixer = std::variant<nn::GatedDeltaNet, nn::Attention>;

class Qwen35Model : public Decoder<Qwen35Mixer, nn::FeedForward> {
 public:
  Qwen35Model(WeightScope& w, const Qwen35Config& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_QWEN35_H_
