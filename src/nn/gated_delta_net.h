// GatedDeltaNet: the recurrent mixer of Qwen3-Next and Qwen3.5.
//
// Yang et al., "Gated Delta Networks: Improving Mamba2 with Delta Rule", 2024,
// section 3.1 (equation 10) and figure 1 (the block).
//
//   symbol  here             GGUF key
//   d       width            embedding_length
//   H_k     shape.key_heads  ssm.group_count
//   H_v     shape.heads      ssm.time_step_rank
//   D       shape.key_dim, shape.value_dim: ssm.state_size, and
//                            ssm.inner_size / H_v
//   q, k    of length 1 in every head, q divided by sqrt(D)
//   alpha   decay            exp(A * softplus(W_alpha x + dt))
//   beta    rate             sigmoid(W_beta x)
#ifndef BRAID_SRC_NN_GATED_DELTA_NET_H_
#define BRAID_SRC_NN_GATED_DELTA_NET_H_

#include <vector>

#include "kernels/delta_rule.h"
#include "memory/spec.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/pass.h"
#include "nn/short_conv.h"

namespace braid::nn {

struct GatedDeltaNetConfig {
  int width = 0;
  DeltaShape shape;
  int taps = 0;  // length of the convolution
  float norm_epsilon = 0;

  // Channels of the convolution: q, k and v.
  int conv_channels() const {
    return static_cast<int>(2 * shape.key_channels() + shape.channels());
  }
};

class GatedDeltaNet {
 public:
  GatedDeltaNet() = default;
  // Tensors attn_qkv {d, 2 H_k D + H_v D} (rows q, k, v), attn_gate {d, H_v D},
  // ssm_conv1d {taps, 2 H_k D + H_v D}, ssm_alpha and ssm_beta {d, H_v},
  // ssm_dt.bias (or, as Ollama names it, ssm_dt) and ssm_a {H_v}, ssm_norm {D},
  // ssm_out {H_v D, d}. `layer` is the index of its memory.
  GatedDeltaNet(WeightScope& w, const GatedDeltaNetConfig& config, int layer);

  // {rows, d} -> {rows, d}. Advances the state of every run. Logs
  //
  //   columns                               what
  //   [0, C), C = 2 H_k D + H_v D           the convolution's input
  //   [C, C + H_v)                          decays
  //   [C + H_v, C + 2 H_v)                  rates
  Rows operator()(Pass& pass, ConstRows x) const;
  // Advances the state of every run by what was logged.
  void Replay(Pass& pass) const;

  LayerSpec Memory() const;

 private:
  // Convolution and delta rule: {rows, C}, {rows, H_v} twice -> {rows, H_v D}.
  Rows Recur(Pass& pass, ConstRows conv_input, ConstRows decay,
             ConstRows rate) const;

  GatedDeltaNetConfig config_;
  int layer_ = 0;
  Linear qkv_;
  Linear gate_;
  ShortConv conv_;
  Linear alpha_;
  Linear beta_;
  std::vector<float> dt_bias_;  // [H_v]
  std::vector<float> a_;        // [H_v], at most 0
  RmsNorm norm_;
  Linear out_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_GATED_DELTA_NET_H_
