// Attention with grouped heads and rotary positions, over paged memory.
//
// Vaswani et al., "Attention Is All You Need", 2017, section 3.2; Ainslie et
// al., "GQA", 2023; Su et al., "RoFormer", 2021.
#ifndef BRAID_SRC_NN_ATTENTION_H_
#define BRAID_SRC_NN_ATTENTION_H_

#include "kernels/attention.h"
#include "memory/spec.h"
#include "nn/linear.h"
#include "nn/pass.h"

namespace braid::nn {

struct AttentionConfig {
  int width = 0;
  int heads = 0;
  int kv_heads = 0;   // divides heads
  int key_dim = 0;    // per head
  int value_dim = 0;  // per head
  float scale = 0;    // of the scores; usually 1 / sqrt(key_dim)
  int rope = -1;      // index into Pass::rope_tables; -1: no rotation
};

class Attention {
 public:
  Attention() = default;
  // Tensors attn_q {width, heads * key_dim}, attn_k {width, kv_heads *
  // key_dim}, attn_v {width, kv_heads * value_dim}, attn_output {heads *
  // value_dim, width}, each with an optional bias. `layer` is the index of its
  // memory.
  Attention(WeightScope& w, const AttentionConfig& config, int layer);

  // {rows, width} -> {rows, width}. Writes the rows' keys and values.
  Rows operator()(Pass& pass, ConstRows x) const;

  static LayerSpec Memory(const AttentionConfig& config, DType kv_type);

 private:
  AttentionConfig config_;
  int layer_ = 0;
  Linear q_;
  Linear k_;
  Linear v_;
  Linear output_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_ATTENTION_H_
