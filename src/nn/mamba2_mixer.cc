#include "nn/mamba2_mixer.h"

#include "nn/state_decay.h"
#include "ops/ops.h"
#include "ops/recurrent.h"

namespace braid::nn {

namespace {

SsdWeights LoadScan(WeightScope& w, const Mamba2Config& config) {
  const std::vector<float> a = LoadDecay(w, "ssm_a", {1, config.heads});
  const std::vector<float> d =
      w.Vector("ssm_d", {1, config.heads}, Role::kScale);
  if (a.empty() || d.empty()) return {};  // the scope holds the error
  return SsdWeights(a.data(), d.data(), config.shape());
}

std::vector<float> LoadNorm(WeightScope& w, const Mamba2Config& config) {
  if (config.optional_parts && !w.Has("ssm_norm.weight")) return {};
  return w.Vector("ssm_norm.weight",
                  {config.inner / config.groups, config.groups}, Role::kScale);
}

}  // namespace

Mamba2Mixer::Mamba2Mixer(WeightScope& w, const Mamba2Config& config, int layer)
    : config_(config),
      layer_(layer),
      in_(w, "ssm_in", config.width,
          config.inner + config.conv_channels() + config.heads),
      conv_(w, "ssm_conv1d", config.taps, config.conv_channels(),
            config.optional_parts ? ShortConv::Bias::kIfThere
                                  : ShortConv::Bias::kRequired,
            layer),
      dt_bias_(w.Vector("ssm_dt.bias", {config.heads}, Role::kBias)),
      scan_(LoadScan(w, config)),
      norm_(LoadNorm(w, config)),
      out_(w, "ssm_out", config.inner, config.width) {}

Rows Mamba2Mixer::operator()(Pass& pass, ConstRows u) const {
  Compute& compute = pass.compute;
  const int64_t inner = config_.inner;
  const int64_t conv_channels = config_.conv_channels();

  const Rows projected = in_(compute, u);  // {rows, 2 e d + 2 G N + H}
  const Rows z = projected.Columns(0, inner);
  const Rows dt = projected.Columns(inner + conv_channels, config_.heads);
  ops::SoftplusInto(compute, dt_bias_, dt);
  const Rows conv_input = projected.Columns(inner, conv_channels);
  pass.Log(layer_, 0, conv_input);
  pass.Log(layer_, conv_channels, dt);

  const Rows y = Recur(pass, conv_input, dt);  // {rows, e d}
  ops::SiluMulInto(compute, z, y);
  if (!norm_.empty()) {
    ops::GroupedRmsNormInto(compute, config_.groups, norm_,
                            config_.norm_epsilon, y);
  }
  return out_(compute, y);
}

Rows Mamba2Mixer::Recur(Pass& pass, ConstRows conv_input, ConstRows dt) const {
  const int64_t inner = config_.inner;
  const int64_t group_states = int64_t{config_.groups} * config_.state;
  const Rows x_b_c = conv_(pass, conv_input, Activation::kSilu);
  const Rows x = x_b_c.Columns(0, inner);
  const Rows b = x_b_c.Columns(inner, group_states);
  const Rows c = x_b_c.Columns(inner + group_states, group_states);
  return ops::SsdScan(pass.compute, scan_, pass.ScanRuns(layer_), x, dt, b, c);
}

void Mamba2Mixer::Replay(Pass& pass) const {
  const int conv_channels = config_.conv_channels();
  Recur(pass, pass.Logged(layer_, 0, conv_channels),
        pass.Logged(layer_, conv_channels, config_.heads));
}

LayerSpec Mamba2Mixer::Memory() const {
  return {.conv_floats =
              ShortConv::WindowFloats(config_.taps, config_.conv_channels()),
          .state_floats = config_.shape().StateFloats(),
          .log_floats =
              static_cast<size_t>(config_.conv_channels() + config_.heads)};
}

}  // namespace braid::nn
