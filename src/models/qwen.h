// Qwen2 (GGUF "qwen2": Qwen2, Qwen2.5) and Qwen3 (GGUF "qwen3"), dense.
//
// Papers: Yang et al., "Qwen2 Technical Report", 2024, section 2.2.1 (biases of
// queries, keys and values); "Qwen3 Technical Report", 2025, section 2 (their
// norms instead). A stands for the architecture's name.
//
//   symbol    here                   GGUF key
//   d         width                  A.embedding_length
//   n_heads   attention[].heads      A.attention.head_count
//   n_kv      attention[].kv_heads   A.attention.head_count_kv
//   d_head    attention[].key_dim    A.attention.key_length, else d / n_heads
//   d_ff      hidden                 A.feed_forward_length
//   theta     rope.base              A.rope.freq_base
#ifndef BRAID_SRC_MODELS_QWEN_H_
#define BRAID_SRC_MODELS_QWEN_H_

#include <vector>

#include "braid/result.h"
#include "models/decoder.h"
#include "nn/attention.h"
#include "nn/gated_mlp.h"

namespace braid {

struct QwenConfig {
  ModelShape shape;
  int hidden = 0;
  std::vector<nn::AttentionConfig> attention;  // [layers]
  RopeConfig rope;

  static Result<QwenConfig> Read(ConfigReader& reader);
};

class QwenModel : public Decoder<nn::Attention, nn::GatedMlp> {
 public:
  // Beside the layers' tensors those of WithRopeFactors (transformer_config.h).
  QwenModel(WeightScope& w, const QwenConfig& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_QWEN_H_
