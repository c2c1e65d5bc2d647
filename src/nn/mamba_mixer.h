// MambaMixer: the selective state-space block of Mamba-1.
//
// Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State
// Spaces", 2023, section 3.4 and figure 3.
#ifndef BRAID_SRC_NN_MAMBA_MIXER_H_
#define BRAID_SRC_NN_MAMBA_MIXER_H_

#include <vector>

#include "kernels/scan.h"
#include "memory/spec.h"
#include "nn/linear.h"
#include "nn/pass.h"
#include "nn/short_conv.h"

namespace braid::nn {

// RMS norms on dt, B and C, each on its own.
enum class DtBcNorms {
  kNone,
  kPlain,    // Falcon-Mamba: without weights
  kLearned,  // Jamba
};

struct MambaConfig {
  int width = 0;    // D, the model's
  int inner = 0;    // E D, channels of convolution and scan
  int state = 0;    // N
  int taps = 0;     // length of the convolution
  int dt_rank = 0;  // R
  DtBcNorms dt_b_c_norms = DtBcNorms::kNone;
  float norm_epsilon = 0;
};

class MambaMixer {
 public:
  MambaMixer() = default;
  // Tensors ssm_in {D, 2 E D}, ssm_conv1d {taps, E D} + bias, ssm_x {E D, R +
  // 2 N}, ssm_dt {R, E D} + bias, ssm_a {N, E D}, ssm_d {E D}, ssm_out {E D,
  // D}; with learned norms ssm_dt_norm {R}, ssm_b_norm {N}, ssm_c_norm {N}.
  // `layer` is the index of its memory.
  MambaMixer(WeightScope& w, const MambaConfig& config, int layer);

  // {rows, D} -> {rows, D}. Advances the state of every run. Logs
  //
  //   columns            what
  //   [0, E D)           the convolution's input
  //   [E D, 2 E D)       dt, after softplus
  //   [2 E D, 2 E D + N) B, after its norm
  Rows operator()(Pass& pass, ConstRows x) const;
  // Advances the state of every run by what was logged.
  void Replay(Pass& pass) const;

  LayerSpec Memory() const;

 private:
  MambaConfig config_;
  int layer_ = 0;
  PackedMatrix in_;
  ShortConv conv_;
  PackedMatrix x_;
  std::vector<float> dt_norm_;  // empty: weights of 1
  std::vector<float> b_norm_;
  std::vector<float> c_norm_;
  PackedMatrix dt_;
  std::vector<float> dt_bias_;
  ScanWeights scan_;
  PackedMatrix out_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_MAMBA_MIXER_H_
