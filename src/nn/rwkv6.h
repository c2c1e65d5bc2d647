// The two halves of an RWKV-6 "Finch" block.
//
// Peng et al., "Eagle and Finch: RWKV with Matrix-Valued States and Dynamic
// Recurrence", 2024, section 4 (Finch) and figure 1. GGUF names, all with
// .weight:
//
//   paper           here           GGUF
//   mu_x            lerp_x_        time_mix_lerp_x
//   lambda (lora)   lerp_          time_mix_lerp_fused (w, k, v, r, g), or
//                                  time_mix_lerp_w, _k, _v, _r, _g
//   A, B (lora)     mix_in_, mix_out_   time_mix_w1, time_mix_w2
//   d, A, B of w    decay_, decay_in_, decay_out_
//                                  time_mix_decay, _decay_w1, _decay_w2
//   u               first_         time_mix_first
#ifndef BRAID_SRC_NN_RWKV6_H_
#define BRAID_SRC_NN_RWKV6_H_

#include <array>
#include <vector>

#include "kernels/wkv.h"
#include "memory/spec.h"
#include "nn/pass.h"
#include "nn/token_shift.h"
#include "nn/weight_scope.h"

namespace braid::nn {

// Of the norm over every head's output, a constant of the published models.
inline constexpr float kRwkvHeadNormEpsilon = 64e-5f;

// What a layer logs: inputs of its windows and of its recurrence, `width`
// columns each, in this order. The last two are RWKV-7's.
enum RwkvLogged {
  kLoggedTimeShift = kTimeMixWindow,
  kLoggedChannelShift = kChannelMixWindow,
  kLoggedKey,
  kLoggedValue,
  kLoggedDecay,
  kRwkv6Logged,
  kLoggedRemoval = kRwkv6Logged,
  kLoggedRate,
  kRwkv7Logged
};

struct Rwkv6Config {
  int width = 0;
  int head_size = 0;   // divides width
  int hidden = 0;      // of the channel mix
  int mix_rank = 0;    // of the data-dependent token shift
  int decay_rank = 0;  // of the data-dependent decay

  WkvShape shape() const { return {width / head_size, head_size}; }
};

class Rwkv6TimeMix {
 public:
  Rwkv6TimeMix() = default;
  // `layer` is the index of its memory; its window is the first.
  Rwkv6TimeMix(WeightScope& w, const Rwkv6Config& config, int layer);

  // {rows, width} -> {rows, width}. Advances window and state of every run.
  // Logs shift input, key, value and decay: RwkvLogged.
  Rows operator()(Pass& pass, ConstRows x) const;
  // Advances window and state of every run by what was logged.
  void Replay(Pass& pass) const;

 private:
  enum Input { kDecay, kKey, kValue, kReceptance, kGate, kInputs };

  Rwkv6Config config_;
  int layer_ = 0;
  TokenShift shift_;
  std::vector<float> lerp_x_;
  std::array<std::vector<float>, kInputs> lerp_;
  PackedMatrix mix_in_;
  std::vector<PackedMatrix> mix_out_;  // [kInputs]
  std::vector<float> decay_;
  PackedMatrix decay_in_;
  PackedMatrix decay_out_;
  std::vector<float> first_;
  PackedMatrix receptance_;
  PackedMatrix key_;
  PackedMatrix value_;
  PackedMatrix gate_;
  std::vector<float> norm_;
  std::vector<float> norm_bias_;
  PackedMatrix output_;
};

class Rwkv6ChannelMix {
 public:
  Rwkv6ChannelMix() = default;
  // Tensors channel_mix_lerp_k, channel_mix_lerp_r {width}, channel_mix_key
  // {width, hidden}, channel_mix_receptance {width, width}, channel_mix_value
  // {hidden, width}. Its window is the layer's second.
  Rwkv6ChannelMix(WeightScope& w, const Rwkv6Config& config, int layer);

  // {rows, width} -> {rows, width}. Advances the window of every run.
  Rows operator()(Pass& pass, ConstRows x) const;
  // Advances the window of every run by what was logged.
  void Replay(Pass& pass) const { shift_.Replay(pass); }

 private:
  TokenShift shift_;
  std::vector<float> lerp_key_;
  std::vector<float> lerp_receptance_;
  PackedMatrix key_;
  PackedMatrix receptance_;
  PackedMatrix value_;
};

// Of a layer: two windows of one row, and the heads' states.
LayerSpec Rwkv6Memory(const WkvShape& shape);

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_RWKV6_H_
