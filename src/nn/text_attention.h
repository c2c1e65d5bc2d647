// TextAttention: every token of a text attends to all tokens of that text.
//
// Devlin et al., "BERT", 2018, section 3; Vaswani et al., "Attention Is All You
// Need", 2017, section 3.2, the encoder.
#ifndef BRAID_SRC_NN_TEXT_ATTENTION_H_
#define BRAID_SRC_NN_TEXT_ATTENTION_H_

#include <optional>
#include <string_view>

#include "kernels/attention.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/pass.h"

namespace braid::nn {

// Runs must hold whole texts. Keeps nothing between passes; keys and values are
// float32.
class TextAttention {
 public:
  TextAttention() = default;
  // Tensors attn_q, attn_k and attn_v as nn::Attention, or instead of them
  // attn_qkv {width, (heads + 2 kv_heads) * key_dim}, if the source has it; and
  // `output` {heads * value_dim, width}; each with an optional bias.
  TextAttention(WeightScope& w, const AttentionConfig& config,
                std::string_view output = "attn_output");

  // {rows, width} -> {rows, width}.
  Rows operator()(Pass& pass, ConstRows x, RelativeBias bias = {}) const;

 private:
  AttentionConfig config_;
  std::optional<Linear> qkv_;
  Linear q_;
  Linear k_;
  Linear v_;
  Linear output_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_TEXT_ATTENTION_H_
