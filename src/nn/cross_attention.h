// CrossAttention: a decoder's tokens attend to the encoder's text (Vaswani et
// al., "Attention Is All You Need", 2017, section 3.2.3).
#ifndef BRAID_SRC_NN_CROSS_ATTENTION_H_
#define BRAID_SRC_NN_CROSS_ATTENTION_H_

#include "memory/spec.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/pass.h"

namespace braid::nn {

class CrossAttention {
 public:
  CrossAttention() = default;
  // Tensors cross_attn_q, cross_attn_k, cross_attn_v and cross_attn_o, shapes
  // and biases as nn::Attention. `layer` is the index of its memory.
  CrossAttention(WeightScope& w, const AttentionConfig& config, int layer);

  // Keeps keys and values of the encoder's rows {rows, width}, whole texts, in
  // Pass::cross_tables.
  void Remember(Pass& pass, ConstRows text) const;
  // {rows, width} -> {rows, width}.
  Rows operator()(Pass& pass, ConstRows x) const;

  // LayerSpec::cross_page.
  static PageLayout Page(const AttentionConfig& config, DType kv_type);

 private:
  AttentionConfig config_;
  int layer_ = 0;
  Linear q_;
  Linear k_;
  Linear v_;
  Linear output_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_CROSS_ATTENTION_H_
