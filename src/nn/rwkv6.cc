#include "nn/rwkv6.h"

#include <string>

#include "ops/ops.h"
#include "ops/recurrent.h"

namespace braid::nn {

Rwkv6TimeMix::Rwkv6TimeMix(WeightScope& w, const Rwkv6Config& config, int layer)
    : config_(config),
      layer_(layer),
      shift_(layer, kTimeMixWindow, config.width) {
  const int64_t d = config.width;
  lerp_x_ = w.Vector("time_mix_lerp_x.weight", {d, 1, 1}, Role::kScale);
  if (w.Has("time_mix_lerp_fused.weight")) {
    const std::vector<float> fused = w.Vector("time_mix_lerp_fused.weight",
                                              {d, 1, 1, kInputs}, Role::kScale);
    for (size_t i = 0; i < kInputs && !fused.empty(); ++i) {
      const auto begin = fused.begin() + static_cast<std::ptrdiff_t>(i) * d;
      lerp_[i].assign(begin, begin + d);
    }
  } else {
    constexpr const char* kNames[kInputs] = {"w", "k", "v", "r", "g"};
    for (size_t i = 0; i < kInputs; ++i) {
      lerp_[i] = w.Vector(std::string("time_mix_lerp_") + kNames[i] + ".weight",
                          {d, 1, 1}, Role::kScale);
    }
  }
  mix_in_ =
      w.Matrix("time_mix_w1.weight", d, int64_t{kInputs} * config.mix_rank);
  mix_out_ = w.Matrices("time_mix_w2.weight", config.mix_rank, d, kInputs);
  decay_ = w.Vector("time_mix_decay.weight", {d}, Role::kBias);
  decay_in_ = w.Matrix("time_mix_decay_w1.weight", d, config.decay_rank);
  decay_out_ = w.Matrix("time_mix_decay_w2.weight", config.decay_rank, d);
  first_ = w.Vector("time_mix_first.weight",
                    {config.head_size, d / config.head_size}, Role::kScale);
  receptance_ = w.Matrix("time_mix_receptance.weight", d, d);
  key_ = w.Matrix("time_mix_key.weight", d, d);
  value_ = w.Matrix("time_mix_value.weight", d, d);
  gate_ = w.Matrix("time_mix_gate.weight", d, d);
  norm_ = w.Vector("time_mix_ln.weight", {d}, Role::kScale);
  norm_bias_ = w.Vector("time_mix_ln.bias", {d}, Role::kBias);
  output_ = w.Matrix("time_mix_output.weight", d, d);
}

Rows Rwkv6TimeMix::operator()(Pass& pass, ConstRows x) const {
  Compute& compute = pass.compute;
  const WkvShape shape = config_.shape();

  // What each input takes of the row before depends on the data.
  const Rows before = shift_(pass, x);
  const Rows mixed = ops::Lerp(compute, x, before, lerp_x_);
  const Rows codes = ops::MatMul(compute, mix_in_, mixed);  // {rows, 5 ranks}
  ops::ActivateInto(compute, Nonlinearity::kTanh, codes);
  const auto input = [&](Input which) {
    const Rows share = ops::MatMul(
        compute, mix_out_[which],
        codes.Columns(int64_t{which} * config_.mix_rank, config_.mix_rank));
    ops::AddBias(compute, lerp_[which], share);
    return ops::Lerp(compute, x, before, share);
  };

  const Rows r = ops::MatMul(compute, receptance_, input(kReceptance));
  const Rows k = ops::MatMul(compute, key_, input(kKey));
  const Rows v = ops::MatMul(compute, value_, input(kValue));
  const Rows gate = ops::MatMul(compute, gate_, input(kGate));

  // w = exp(-exp(d + tanh(x A) B)), per token and channel.
  const Rows low = ops::MatMul(compute, decay_in_, input(kDecay));
  ops::ActivateInto(compute, Nonlinearity::kTanh, low);
  const Rows decay = ops::MatMul(compute, decay_out_, low);
  ops::AddBias(compute, decay_, decay);
  ops::Wkv6DecayInto(compute, decay);

  pass.Log(layer_, kLoggedKey * x.width, k);
  pass.Log(layer_, kLoggedValue * x.width, v);
  pass.Log(layer_, kLoggedDecay * x.width, decay);

  const Rows y = ops::Wkv6(compute, shape, pass.ScanRuns(layer_),
                           {r, k, v, decay}, first_);
  ops::GroupNormInto(compute, shape.heads, norm_, norm_bias_,
                     kRwkvHeadNormEpsilon, y);
  ops::ActivateMulInto(compute, Nonlinearity::kSilu, gate, y);
  return ops::MatMul(compute, output_, y);
}

void Rwkv6TimeMix::Replay(Pass& pass) const {
  shift_.Replay(pass);
  const int64_t d = config_.width;
  const Rows k = pass.Logged(layer_, kLoggedKey * d, d);
  const Rows v = pass.Logged(layer_, kLoggedValue * d, d);
  const Rows decay = pass.Logged(layer_, kLoggedDecay * d, d);
  // The receptance makes the output, which nobody reads.
  const Rows& r = k;
  ops::Wkv6(pass.compute, config_.shape(), pass.ScanRuns(layer_),
            {r, k, v, decay}, first_);
}

Rwkv6ChannelMix::Rwkv6ChannelMix(WeightScope& w, const Rwkv6Config& config,
                                 int layer)
    : shift_(layer, kChannelMixWindow, config.width) {
  const int64_t d = config.width;
  lerp_key_ = w.Vector("channel_mix_lerp_k.weight", {d, 1, 1}, Role::kScale);
  lerp_receptance_ =
      w.Vector("channel_mix_lerp_r.weight", {d, 1, 1}, Role::kScale);
  key_ = w.Matrix("channel_mix_key.weight", d, config.hidden);
  receptance_ = w.Matrix("channel_mix_receptance.weight", d, d);
  value_ = w.Matrix("channel_mix_value.weight", config.hidden, d);
}

Rows Rwkv6ChannelMix::operator()(Pass& pass, ConstRows x) const {
  Compute& compute = pass.compute;
  const Rows before = shift_(pass, x);
  const Rows key =  // {rows, hidden}
      ops::MatMul(compute, key_, ops::Lerp(compute, x, before, lerp_key_));
  ops::ActivateInto(compute, Nonlinearity::kReluSquared, key);
  const Rows gate = ops::MatMul(
      compute, receptance_, ops::Lerp(compute, x, before, lerp_receptance_));
  const Rows value = ops::MatMul(compute, value_, key);
  ops::ActivateMulInto(compute, Nonlinearity::kSigmoid, gate, value);
  return value;
}

LayerSpec Rwkv6Memory(const WkvShape& shape) {
  const auto width = static_cast<size_t>(shape.channels());
  return {.conv_floats = 2 * width,
          .state_floats = shape.StateFloats(),
          .log_floats = kRwkv6Logged * width};
}

}  // namespace braid::nn
