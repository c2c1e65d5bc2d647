// Llama (GGUF "llama": Llama 1 to 3, Mistral, Mixtral, SmolLM, TinyStories).
//
// Papers: Touvron et al., "LLaMA", 2023; "Llama 2", 2023 (grouped heads);
// Grattafiori et al., "The Llama 3 Herd of Models", 2024 (rope factors); Jiang
// et al., "Mixtral of Experts", 2024.
//
//   symbol    here                GGUF key
//   d         width               llama.embedding_length
//   n_heads   attention.heads     llama.attention.head_count
//   n_kv      attention.kv_heads  llama.attention.head_count_kv
//   d_head    attention.key_dim   llama.attention.key_length, else d / n_heads
//   d_ff      hidden              llama.feed_forward_length
//   n         experts.routing     llama.expert_count; 0: dense
//   K                             llama.expert_used_count
//   theta     rope.base           llama.rope.freq_base
//   s         1 / position_scale  llama.rope.scaling.factor
#ifndef BRAID_SRC_MODELS_LLAMA_H_
#define BRAID_SRC_MODELS_LLAMA_H_

#include <vector>

#include "braid/result.h"
#include "models/decoder.h"
#include "nn/attention.h"
#include "nn/feed_forward.h"

namespace braid {

struct LlamaConfig {
  ModelShape shape;
  int hidden = 0;
  std::vector<nn::AttentionConfig> attention;  // [layers]
  nn::MoeConfig experts = {};
  RopeConfig rope;

  static Result<LlamaConfig> Read(ConfigReader& reader);
};

class LlamaModel : public Decoder<nn::Attention, nn::FeedForward> {
 public:
  // Beside the layers' tensors those of WithRopeFactors (transformer_config.h).
  LlamaModel(WeightScope& w, const LlamaConfig& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_LLAMA_H_
