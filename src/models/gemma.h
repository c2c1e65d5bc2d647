// Gemma 2 (GGUF "gemma2") and the text part of Gemma 3 (GGUF "gemma3").
//
// Papers: Gemma Team, "Gemma 2", 2024, section 2 (norms before and after each
// part, soft caps, a window in every other layer); "Gemma 3 Technical Report",
// 2025, section 2 (norms of queries and keys instead of caps, a window in five
// of six layers, which turn by a base of their own). A stands for the
// architecture's name.
//
//   symbol    here                     GGUF key
//   d         width                    A.embedding_length
//   n_heads   attention[].heads        A.attention.head_count
//   n_kv      attention[].kv_heads     A.attention.head_count_kv
//   d_head    attention[].key_dim      A.attention.key_length
//   d_ff      hidden                   A.feed_forward_length
//   -         attention[].window       A.attention.sliding_window; 0: all
//   -         attention[].soft_cap     A.attn_logit_softcapping; 0: none
//   -         logit_cap                A.final_logit_softcapping; 0: none
//   theta     ropes[kGlobal].base      A.rope.freq_base
//   -         ropes[kLocal].base       A.rope.freq_base_swa, else 10000
//
// The files' norm weights include the one that Gemma adds to them.
#ifndef BRAID_SRC_MODELS_GEMMA_H_
#define BRAID_SRC_MODELS_GEMMA_H_

#include <vector>

#include "braid/result.h"
#include "models/decoder.h"
#include "nn/attention.h"
#include "nn/gated_mlp.h"

namespace braid {

struct GemmaConfig {
  ModelShape shape;
  int hidden = 0;
  float logit_cap = 0;
  std::vector<nn::AttentionConfig> attention;  // [layers]
  std::vector<RopeConfig> ropes;  // Gemma 3: of full and of windowed layers
};

struct Gemma2Config : GemmaConfig {
  static Result<GemmaConfig> Read(ConfigReader& reader);
};

struct Gemma3Config : GemmaConfig {
  static Result<GemmaConfig> Read(ConfigReader& reader);
};

class GemmaModel : public Decoder<nn::Attention, nn::GatedMlp> {
 public:
  GemmaModel(WeightScope& w, const GemmaConfig& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_GEMMA_H_
