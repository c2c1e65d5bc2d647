#include "nn/rwkv7.h"

#include <string>

#include "nn/rwkv6.h"
#include "ops/ops.h"
#include "ops/recurrent.h"

namespace braid::nn {

namespace {

// Of a removal key's squared length: published code divides by at least 1e-12.
constexpr float kLengthEpsilon = 1e-24f;

}  // namespace

LowRank::LowRank(WeightScope& w, std::string_view name, int width, int rank,
                 bool biased) {
  const std::string at(name);
  in_ = w.Matrix(at + "1.weight", width, rank);
  out_ = w.Matrix(at + "2.weight", rank, width);
  if (biased) bias_ = w.Vector(at + "0.weight", {width}, Role::kBias);
}

Rows LowRank::In(Compute& compute, ConstRows x) const {
  return ops::MatMul(compute, in_, x);
}

Rows LowRank::Out(Compute& compute, ConstRows low) const {
  const Rows y = ops::MatMul(compute, out_, low);
  if (!bias_.empty()) ops::AddBias(compute, bias_, y);
  return y;
}

Rwkv7TimeMix::Rwkv7TimeMix(WeightScope& w, const Rwkv7Config& config, int layer)
    : config_(config),
      layer_(layer),
      shift_(layer, kTimeMixWindow, config.width),
      decay_(w, "time_mix_w", config.width, config.decay_rank, true),
      rate_(w, "time_mix_a", config.width, config.rate_rank, true),
      gate_(w, "time_mix_g", config.width, config.gate_rank, false),
      ones_(static_cast<size_t>(config.width), 1.0f) {
  const int64_t d = config.width;
  if (layer > 0) {
    residual_ =
        LowRank(w, "time_mix_v", config.width, config.residual_rank, true);
  }
  const std::vector<float> fused =
      w.Vector("time_mix_lerp_fused.weight", {d, 1, 1, kInputs}, Role::kScale);
  for (size_t i = 0; i < kInputs && !fused.empty(); ++i) {
    const auto begin = fused.begin() + static_cast<std::ptrdiff_t>(i) * d;
    lerp_[i].assign(begin, begin + d);
  }
  removal_ = w.Vector("time_mix_k_k.weight", {d}, Role::kScale);
  replacement_ = w.Vector("time_mix_k_a.weight", {d}, Role::kScale);
  bonus_ = w.Vector("time_mix_r_k.weight", {d}, Role::kBias);
  receptance_ = w.Matrix("time_mix_receptance.weight", d, d);
  key_ = w.Matrix("time_mix_key.weight", d, d);
  value_ = w.Matrix("time_mix_value.weight", d, d);
  norm_ = w.Vector("time_mix_ln.weight", {d}, Role::kScale);
  norm_bias_ = w.Vector("time_mix_ln.bias", {d}, Role::kBias);
  output_ = w.Matrix("time_mix_output.weight", d, d);
}

Rows Rwkv7TimeMix::Values(Compute& compute, ConstRows x,
                          Rows first_values) const {
  if (layer_ == 0) {
    ops::MatMulInto(compute, value_, x, first_values);
    return first_values;
  }
  const Rows v = ops::MatMul(compute, value_, x);
  const Rows share = residual_.Out(compute, residual_.In(compute, x));
  ops::ActivateInto(compute, Nonlinearity::kSigmoid, share);
  return ops::Lerp(compute, v, first_values, share);
}

Rows Rwkv7TimeMix::operator()(Pass& pass, ConstRows x,
                              Rows first_values) const {
  Compute& compute = pass.compute;
  const WkvShape shape = config_.shape();
  const Rows before = shift_(pass, x);
  const auto input = [&](Input which) {
    return ops::Lerp(compute, x, before, lerp_[which]);
  };

  const Rows r = ops::MatMul(compute, receptance_, input(kReceptance));
  const Rows k = ops::MatMul(compute, key_, input(kKey));
  const Rows v = Values(compute, input(kValue), first_values);

  const Rows decay_low = decay_.In(compute, input(kDecay));
  ops::ActivateInto(compute, Nonlinearity::kTanh, decay_low);
  const Rows decay = decay_.Out(compute, decay_low);
  ops::Wkv7DecayInto(compute, decay);

  const Rows rate = rate_.Out(compute, rate_.In(compute, input(kRate)));
  ops::ActivateInto(compute, Nonlinearity::kSigmoid, rate);

  const Rows gate_low = gate_.In(compute, input(kGate));
  ops::ActivateInto(compute, Nonlinearity::kSigmoid, gate_low);
  const Rows gate = gate_.Out(compute, gate_low);

  // The removal key has length 1 in every head; the replacement key is
  // k * (1 + (a - 1) * alpha).
  const Rows removal = ops::Scale(compute, removal_, k);
  ops::NormalizeGroupsInto(compute, shape.heads, kLengthEpsilon, removal);
  ops::MultiplyInto(
      compute, k,
      ops::Lerp(compute, ops::Broadcast(ones_, k.rows), rate, replacement_));

  pass.Log(layer_, kLoggedKey * x.width, k);
  pass.Log(layer_, kLoggedValue * x.width, v);
  pass.Log(layer_, kLoggedDecay * x.width, decay);
  pass.Log(layer_, kLoggedRemoval * x.width, removal);
  pass.Log(layer_, kLoggedRate * x.width, rate);

  const WkvInputs inputs = {r, k, v, decay};
  const Rows y =
      ops::Wkv7(compute, shape, pass.ScanRuns(layer_), inputs, removal, rate);
  ops::GroupNormInto(compute, shape.heads, norm_, norm_bias_,
                     kRwkvHeadNormEpsilon, y);
  ops::Wkv7AddBonusInto(compute, shape, inputs, bonus_, y);
  ops::MultiplyInto(compute, y, gate);
  return ops::MatMul(compute, output_, y);
}

void Rwkv7TimeMix::Replay(Pass& pass) const {
  shift_.Replay(pass);
  const int64_t d = config_.width;
  const Rows k = pass.Logged(layer_, kLoggedKey * d, d);
  const Rows v = pass.Logged(layer_, kLoggedValue * d, d);
  const Rows decay = pass.Logged(layer_, kLoggedDecay * d, d);
  const Rows removal = pass.Logged(layer_, kLoggedRemoval * d, d);
  const Rows rate = pass.Logged(layer_, kLoggedRate * d, d);
  // The receptance makes the output, which nobody reads.
  const Rows& r = k;
  ops::Wkv7(pass.compute, config_.shape(), pass.ScanRuns(layer_),
            {r, k, v, decay}, removal, rate);
}

Rwkv7ChannelMix::Rwkv7ChannelMix(WeightScope& w, const Rwkv7Config& config,
                                 int layer)
    : shift_(layer, kChannelMixWindow, config.width) {
  const int64_t d = config.width;
  lerp_ = w.Vector("channel_mix_lerp_k.weight", {d, 1, 1}, Role::kScale);
  key_ = w.Matrix("channel_mix_key.weight", d, config.hidden);
  value_ = w.Matrix("channel_mix_value.weight", config.hidden, d);
}

Rows Rwkv7ChannelMix::operator()(Pass& pass, ConstRows x) const {
  Compute& compute = pass.compute;
  const Rows before = shift_(pass, x);
  const Rows key =  // {rows, hidden}
      ops::MatMul(compute, key_, ops::Lerp(compute, x, before, lerp_));
  ops::ActivateInto(compute, Nonlinearity::kReluSquared, key);
  return ops::MatMul(compute, value_, key);
}

LayerSpec Rwkv7Memory(const WkvShape& shape) {
  LayerSpec spec = Rwkv6Memory(shape);
  spec.log_floats = kRwkv7Logged * static_cast<size_t>(shape.channels());
  return spec;
}

}  // namespace braid::nn
