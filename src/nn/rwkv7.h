// The two halves of an RWKV-7 "Goose" block.
//
// Peng et al., "RWKV-7 Goose with Expressive Dynamic State Evolution", 2025,
// section 4. GGUF names, all with .weight:
//
//   paper                     here                  GGUF
//   mu_r, w, k, v, a, g       lerp_                 time_mix_lerp_fused
//   lora of w, a, v, g        decay_, rate_, residual_, gate_
//                             time_mix_w0, w1, w2; a0, a1, a2; v0, v1, v2;
//                             g1, g2
//   xi (removal key)          removal_              time_mix_k_k
//   alpha (replacement rate)  replacement_          time_mix_k_a
//   rho (bonus)               bonus_                time_mix_r_k
#ifndef BRAID_SRC_NN_RWKV7_H_
#define BRAID_SRC_NN_RWKV7_H_

#include <array>
#include <string_view>
#include <vector>

#include "kernels/elementwise.h"
#include "kernels/wkv.h"
#include "memory/spec.h"
#include "nn/pass.h"
#include "nn/token_shift.h"
#include "nn/weight_scope.h"

namespace braid::nn {

struct Rwkv7Config {
  int width = 0;
  int head_size = 0;      // divides width
  int hidden = 0;         // of the channel mix
  int decay_rank = 0;     // of w
  int rate_rank = 0;      // of a
  int residual_rank = 0;  // of v
  int gate_rank = 0;      // of g

  WkvShape shape() const { return {width / head_size, head_size}; }
};

// x -> A x -> B (and + bias): a matrix of low rank. What stands between the two
// is the caller's.
class LowRank {
 public:
  LowRank() = default;
  // Tensors `name`1 {width, rank}, `name`2 {rank, width} and, if `biased`,
  // `name`0 {width}.
  LowRank(WeightScope& w, std::string_view name, int width, int rank,
          bool biased);

  Rows In(Compute& compute, ConstRows x) const;     // {rows, rank}
  Rows Out(Compute& compute, ConstRows low) const;  // {rows, width}

 private:
  PackedMatrix in_;
  PackedMatrix out_;
  std::vector<float> bias_;
};

class Rwkv7TimeMix {
 public:
  Rwkv7TimeMix() = default;
  // `layer` is the index of its memory; its window is the first. Layer 0 has no
  // residual of values, whatever a file stores under time_mix_v0 to v2.
  Rwkv7TimeMix(WeightScope& w, const Rwkv7Config& config, int layer);

  // {rows, width} -> {rows, width}. Advances window and state of every run.
  // Logs shift input, key, value, decay, removal and rate: RwkvLogged.
  // Layer 0 writes its values to `first_values` {rows, width}; later layers
  // look back to them.
  Rows operator()(Pass& pass, ConstRows x, Rows first_values) const;
  // Advances window and state of every run by what was logged.
  void Replay(Pass& pass) const;

 private:
  enum Input { kReceptance, kDecay, kKey, kValue, kRate, kGate, kInputs };

  Rows Values(Compute& compute, ConstRows x, Rows first_values) const;

  Rwkv7Config config_;
  int layer_ = 0;
  TokenShift shift_;
  std::array<std::vector<float>, kInputs> lerp_;
  LowRank decay_;
  LowRank rate_;
  LowRank residual_;
  LowRank gate_;
  std::vector<float> removal_;
  std::vector<float> replacement_;
  std::vector<float> bonus_;
  std::vector<float> ones_;  // [width]
  PackedMatrix receptance_;
  PackedMatrix key_;
  PackedMatrix value_;
  std::vector<float> norm_;
  std::vector<float> norm_bias_;
  PackedMatrix output_;
};

class Rwkv7ChannelMix {
 public:
  Rwkv7ChannelMix() = default;
  // Tensors channel_mix_lerp_k {width}, channel_mix_key {width, hidden},
  // channel_mix_value {hidden, width}. Its window is the layer's second.
  Rwkv7ChannelMix(WeightScope& w, const Rwkv7Config& config, int layer);

  // {rows, width} -> {rows, width}. Advances the window of every run.
  Rows operator()(Pass& pass, ConstRows x) const;
  // Advances the window of every run by what was logged.
  void Replay(Pass& pass) const { shift_.Replay(pass); }

 private:
  TokenShift shift_;
  std::vector<float> lerp_;
  PackedMatrix key_;
  PackedMatrix value_;
};

// Of a layer: two windows of one row, and the heads' states.
LayerSpec Rwkv7Memory(const WkvShape& shape);

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_RWKV7_H_
