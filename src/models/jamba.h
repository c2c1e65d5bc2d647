// Jamba (GGUF "jamba"): Mamba layers with attention in between, an MLP or a
// mixture of experts after each.
//
// Paper: Lieber et al., "Jamba: A Hybrid Transformer-Mamba Language Model",
// 2024, sections 2 and 3. No positions: the Mamba layers know the order.
//
//   symbol    here                    GGUF key (jamba.)
//   d         width                   embedding_length
//   -         mamba.*                 see models/mamba.h
//   n_heads   attention[i].heads      attention.head_count
//   -         attention[i].kv_heads   attention.head_count_kv; 0: Mamba
//   -         hidden, of experts too  feed_forward_length
//   n, K      experts.routing         expert_count, expert_used_count
//
// A layer has experts if its tensor ffn_gate_inp is there.
#ifndef BRAID_SRC_MODELS_JAMBA_H_
#define BRAID_SRC_MODELS_JAMBA_H_

#include <variant>
#include <vector>

#include "braid/result.h"
#include "models/decoder.h"
#include "nn/attention.h"
#include "nn/feed_forward.h"
#include "nn/mamba_mixer.h"

namespace braid {

struct JambaConfig {
  ModelShape shape;
  int hidden = 0;
  nn::MambaConfig mamba;
  // [layers]; without KV heads: a Mamba layer.
  std::vector<nn::AttentionConfig> attention;
  nn::MoeConfig experts;

  static Result<JambaConfig> Read(ConfigReader& reader);
};

using JambaMixer = std::variant<nn::MambaMixer, nn::Attention>;

class JambaModel : public Decoder<JambaMixer, nn::FeedForward> {
 public:
  JambaModel(WeightScope& w, const JambaConfig& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_JAMBA_H_
