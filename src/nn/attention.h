// Attention with grouped heads and rotary positions, over paged memory.
//
// Vaswani et al., "Attention Is All You Need", 2017, section 3.2; Ainslie et
// al., "GQA", 2023; Su et al., "RoFormer", 2021; Dehghani et al., "Scaling
// Vision Transformers to 22 Billion Parameters", 2023, section 2 (norms of
// queries and keys); Beltagy et al., "Longformer", 2020 (windows); Qiu et al.,
// "Gated Attention for Large Language Models", 2025 (the gate of the output).
#ifndef BRAID_SRC_NN_ATTENTION_H_
#define BRAID_SRC_NN_ATTENTION_H_

#include <string_view>

#include "kernels/attention.h"
#include "memory/spec.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/pass.h"

namespace braid::nn {

struct AttentionConfig {
  int width = 0;
  int heads = 0;
  int kv_heads = 0;    // divides heads
  int key_dim = 0;     // per head
  int value_dim = 0;   // per head
  float scale = 0;     // of the scores; usually 1 / sqrt(key_dim)
  int rope = -1;       // index into Pass::rope_tables; -1: no rotation
  int window = 0;      // positions that a query sees, its own too; 0: all
  float soft_cap = 0;  // of the scores; 0: none
  // Queries and keys get an RMS norm per head before they turn.
  bool head_norms = false;
  float norm_epsilon = 0;
  // What every head answers is multiplied by the sigmoid of a gate, whose rows
  // stand behind each head's in attn_q. Heads have norms, and values are as
  // wide as keys.
  bool output_gate = false;
};

class Attention {
 public:
  Attention() = default;
  // Tensors attn_q {width, heads * key_dim} (with output_gate twice as many:
  // each head's query, then its gate), attn_k {width, kv_heads *
  // key_dim}, attn_v {width, kv_heads * value_dim}, `output` {heads *
  // value_dim, width}, each with an optional bias; if the source has attn_qkv
  // {width, the sum of the three}, that in place of the first three. With
  // head_norms attn_q_norm and attn_k_norm {key_dim}. `layer` is the index of
  // its memory.
  Attention(WeightScope& w, const AttentionConfig& config, int layer,
            std::string_view output = "attn_output");

  // {rows, width} -> {rows, width}. Writes the rows' keys and values.
  Rows operator()(Pass& pass, ConstRows x, RelativeBias bias = {}) const;

  LayerSpec Memory(DType kv_type) const;

 private:
  AttentionConfig config_;
  int layer_ = 0;
  Linear q_;
  Linear k_;
  Linear v_;
  Linear output_;
  RmsNorm q_norm_;
  RmsNorm k_norm_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_ATTENTION_H_
