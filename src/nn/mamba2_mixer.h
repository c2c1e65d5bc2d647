// Mamba2Mixer: the state-space duality block.
//
// Dao and Gu, "Transformers are SSMs: Generalized Models and Efficient
// Algorithms Through Structured State Space Duality", 2024, section 7.1 and
// figure 6 (the parallel block with a norm before the output projection).
//
//   symbol  here    GGUF key
//   d       width   embedding_length
//   e d     inner   ssm.inner_size, heads * head size
//   H       heads   ssm.time_step_rank
//   P       inner / heads
//   N       state   ssm.state_size
//   G       groups  ssm.group_count
#ifndef BRAID_SRC_NN_MAMBA2_MIXER_H_
#define BRAID_SRC_NN_MAMBA2_MIXER_H_

#include <vector>

#include "kernels/ssd_scan.h"
#include "memory/spec.h"
#include "nn/linear.h"
#include "nn/pass.h"
#include "nn/short_conv.h"

namespace braid::nn {

struct Mamba2Config {
  int width = 0;
  int inner = 0;
  int heads = 0;   // divides inner
  int groups = 1;  // divides heads: who share B and C
  int state = 0;
  int taps = 0;  // length of the convolution
  float norm_epsilon = 0;
  // Falcon-H1: the convolution's bias, and the norm after the gate, are used if
  // the file has them.
  bool optional_parts = false;

  // Channels of the convolution: x, B and C.
  int conv_channels() const { return inner + 2 * groups * state; }
  SsdShape shape() const { return {heads, inner / heads, groups, state}; }
};

class Mamba2Mixer {
 public:
  Mamba2Mixer() = default;
  // Tensors ssm_in {d, 2 e d + 2 G N + H} (rows z, x, B, C, dt), ssm_conv1d
  // {taps, e d + 2 G N} + bias, ssm_dt.bias {H}, ssm_a {1, H}, ssm_d {1, H},
  // ssm_norm {e d / G, G}, ssm_out {e d, d}; biases of ssm_in and ssm_out if
  // the source has them. `layer` is the index of its memory.
  Mamba2Mixer(WeightScope& w, const Mamba2Config& config, int layer);

  // {rows, d} -> {rows, d}. Advances the state of every run. Logs
  //
  //   columns                                 what
  //   [0, e d + 2 G N)                        the convolution's input
  //   [e d + 2 G N, e d + 2 G N + H)          dt, after softplus
  Rows operator()(Pass& pass, ConstRows x) const;
  // Advances the state of every run by what was logged.
  void Replay(Pass& pass) const;

  LayerSpec Memory() const;

 private:
  // Convolution and scan: {rows, e d + 2 G N}, {rows, H} -> {rows, e d}.
  Rows Recur(Pass& pass, ConstRows conv_input, ConstRows dt) const;

  Mamba2Config config_;
  int layer_ = 0;
  Linear in_;
  ShortConv conv_;
  std::vector<float> dt_bias_;
  SsdWeights scan_;
  std::vector<float> norm_;  // [e d], or empty: no norm
  Linear out_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_MAMBA2_MIXER_H_
