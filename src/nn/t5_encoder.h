// T5Encoder: the encoder of T5, T5 1.1 and UMT5.
//
// Raffel et al., "Exploring the Limits of Transfer Learning with a Unified
// Text-to-Text Transformer", 2020, section 2.1; Shazeer, "GLU Variants Improve
// Transformer", 2020 (T5 1.1); Chung et al., "UniMax", 2023 (UMT5: biases of
// every layer). Scores are not divided by the root of the head's size.
#ifndef BRAID_SRC_NN_T5_ENCODER_H_
#define BRAID_SRC_NN_T5_ENCODER_H_

#include <variant>
#include <vector>

#include "nn/bucketed_bias.h"
#include "nn/gated_mlp.h"
#include "nn/mlp.h"
#include "nn/norm.h"
#include "nn/text_attention.h"

namespace braid::nn {

struct T5StackConfig {
  int layers = 0;
  int hidden = 0;
  int buckets = 0;  // of relative distances
  float norm_epsilon = 0;
  AttentionConfig attention;  // scale 1, no rotation
};

// relu, or the gated GELU of T5 1.1 where the source has ffn_gate.
using T5Mlp = std::variant<Mlp, GatedMlp>;
T5Mlp MakeT5Mlp(WeightScope& w, int64_t width, int64_t hidden);

class T5Encoder {
 public:
  T5Encoder() = default;
  // Tensors enc.blk.N.: attn_norm, attn_q, attn_k, attn_v, attn_o, attn_rel_b
  // {heads, buckets} (layer 0, and others that have their own), ffn_norm, those
  // of the MLP; enc.output_norm.
  T5Encoder(WeightScope& w, const T5StackConfig& config);

  // Embedded tokens {rows, width}, in place: the stream after the last layer.
  // Runs hold whole texts.
  void operator()(Pass& pass, Rows x) const;
  // {rows, width} -> {rows, width}: the final norm.
  Rows Hidden(Compute& compute, ConstRows x) const {
    return output_norm_(compute, x);
  }

 private:
  struct Layer {
    RmsNorm attention_norm;
    TextAttention attention;
    BucketedBias bias;  // empty: the first layer's
    RmsNorm mlp_norm;
    T5Mlp mlp;
  };

  std::vector<Layer> layers_;
  RmsNorm output_norm_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_T5_ENCODER_H_
