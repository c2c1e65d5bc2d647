#include "nn/gated_delta_net.h"

#include <cmath>

#include "nn/heads.h"
#include "nn/state_decay.h"
#include "ops/copy.h"
#include "ops/ops.h"
#include "ops/recurrent.h"

namespace braid::nn {

namespace {

// Of a query's or key's squared length, as published code has it.
constexpr float kLengthEpsilon = 1e-6f;

std::vector<float> LoadTimeStepBias(WeightScope& w, int heads) {
  return w.Vector(w.Has("ssm_dt") ? "ssm_dt" : "ssm_dt.bias", {heads},
                  Role::kBias);
}

}  // namespace

GatedDeltaNet::GatedDeltaNet(WeightScope& w, const GatedDeltaNetConfig& config,
                             int layer)
    : config_(config),
      layer_(layer),
      qkv_(w, "attn_qkv", config.width, config.conv_channels()),
      gate_(w, "attn_gate", config.width, config.shape.channels()),
      conv_(w, "ssm_conv1d", config.taps, config.conv_channels(),
            ShortConv::Bias::kNone, layer),
      alpha_(w, "ssm_alpha", config.width, config.shape.heads),
      beta_(w, "ssm_beta", config.width, config.shape.heads),
      dt_bias_(LoadTimeStepBias(w, config.shape.heads)),
      a_(LoadDecay(w, "ssm_a", {config.shape.heads})),
      norm_(w, "ssm_norm", config.shape.value_dim, config.norm_epsilon),
      out_(w, "ssm_out", config.shape.channels(), config.width) {}

Rows GatedDeltaNet::operator()(Pass& pass, ConstRows x) const {
  Compute& compute = pass.compute;
  const int64_t conv_channels = config_.conv_channels();
  const int64_t heads = config_.shape.heads;

  const Rows qkv = qkv_(compute, x);  // {rows, C}
  const Rows z = gate_(compute, x);   // {rows, H_v D}
  const Rows step = alpha_(compute, x);
  ops::SoftplusInto(compute, dt_bias_, step);
  const Rows decay = ops::Scale(compute, a_, step);  // {rows, H_v}
  ops::ExpInto(compute, decay);
  const Rows rate = beta_(compute, x);
  ops::ActivateInto(compute, Nonlinearity::kSigmoid, rate);
  pass.Log(layer_, 0, qkv);
  pass.Log(layer_, conv_channels, decay);
  pass.Log(layer_, conv_channels + heads, rate);

  const Rows read = Recur(pass, qkv, decay, rate);
  const int dim = config_.shape.value_dim;
  const Rows y = NormHeads(compute, norm_, read, dim, dim);
  ops::SiluMulInto(compute, z, y);
  return out_(compute, y);
}

Rows GatedDeltaNet::Recur(Pass& pass, ConstRows conv_input, ConstRows decay,
                          ConstRows rate) const {
  Compute& compute = pass.compute;
  const DeltaShape& shape = config_.shape;
  const int64_t keys = shape.key_channels();
  const Rows qkv = conv_(pass, conv_input, Activation::kSilu);
  // Beside each other and apart from the values, so that all heads of both are
  // normalised in one go.
  const Rows q_and_k = compute.NewRows(qkv.rows, 2 * keys);
  ops::CopyInto(compute, qkv.Columns(0, 2 * keys), q_and_k);
  ops::NormalizeGroupsInto(compute, 2 * shape.key_heads, kLengthEpsilon,
                           q_and_k);
  const Rows q = q_and_k.Columns(0, keys);
  ops::ScaleInto(compute, 1 / std::sqrt(static_cast<float>(shape.key_dim)), q);
  return ops::DeltaRule(compute, shape, pass.ScanRuns(layer_),
                        {.query = q,
                         .key = q_and_k.Columns(keys, keys),
                         .value = qkv.Columns(2 * keys, shape.channels()),
                         .decay = decay,
                         .rate = rate});
}

void GatedDeltaNet::Replay(Pass& pass) const {
  const int64_t conv_channels = config_.conv_channels();
  const int64_t heads = config_.shape.heads;
  Recur(pass, pass.Logged(layer_, 0, conv_channels),
        pass.Logged(layer_, conv_channels, heads),
        pass.Logged(layer_, conv_channels + heads, heads));
}

LayerSpec GatedDeltaNet::Memory() const {
  return {.conv_floats =
              ShortConv::WindowFloats(config_.taps, config_.conv_channels()),
          .state_floats = config_.shape.StateFloats(),
          .log_floats = static_cast<size_t>(config_.conv_channels()) +
                        2 * static_cast<size_t>(config_.shape.heads)};
}

}  // namespace braid::nn
