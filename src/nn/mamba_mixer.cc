#include "nn/mamba_mixer.h"

#include "nn/state_decay.h"
#include "ops/ops.h"

namespace braid::nn {

namespace {

ScanWeights LoadScan(WeightScope& w, const MambaConfig& config) {
  const std::vector<float> a =
      LoadDecay(w, "ssm_a", {config.state, config.inner});
  const std::vector<float> d = w.Vector("ssm_d", {config.inner}, Role::kScale);
  if (a.empty() || d.empty()) return {};  // the scope holds the error
  return ScanWeights(a.data(), d.data(), config.inner, config.state);
}

}  // namespace

MambaMixer::MambaMixer(WeightScope& w, const MambaConfig& config, int layer)
    : config_(config),
      layer_(layer),
      in_(w.Matrix("ssm_in.weight", config.width, 2 * config.inner)),
      conv_(w, "ssm_conv1d", config.taps, config.inner,
            ShortConv::Bias::kRequired, layer),
      x_(w.Matrix("ssm_x.weight", config.inner,
                  config.dt_rank + 2 * config.state)),
      dt_(w.Matrix("ssm_dt.weight", config.dt_rank, config.inner)),
      dt_bias_(w.Vector("ssm_dt.bias", {config.inner}, Role::kBias)),
      scan_(LoadScan(w, config)),
      out_(w.Matrix("ssm_out.weight", config.inner, config.width)) {
  if (config.dt_b_c_norms == DtBcNorms::kLearned) {
    dt_norm_ = w.Vector("ssm_dt_norm.weight", {config.dt_rank}, Role::kScale);
    b_norm_ = w.Vector("ssm_b_norm.weight", {config.state}, Role::kScale);
    c_norm_ = w.Vector("ssm_c_norm.weight", {config.state}, Role::kScale);
  }
}

Rows MambaMixer::operator()(Pass& pass, ConstRows x) const {
  Compute& compute = pass.compute;
  const int inner = config_.inner;
  const int state = config_.state;

  const Rows xz = ops::MatMul(compute, in_, x);  // {rows, 2 E D}
  const Rows z = xz.Columns(inner, inner);
  const Rows u =  // {rows, E D}
      conv_(pass, xz.Columns(0, inner), Activation::kSilu);

  const Rows dt_b_c = ops::MatMul(compute, x_, u);  // {rows, R + 2 N}
  ConstRows dt_low = dt_b_c.Columns(0, config_.dt_rank);
  ConstRows b = dt_b_c.Columns(config_.dt_rank, state);
  ConstRows c = dt_b_c.Columns(config_.dt_rank + state, state);
  if (config_.dt_b_c_norms != DtBcNorms::kNone) {
    dt_low = ops::RmsNorm(compute, dt_low, dt_norm_, config_.norm_epsilon);
    b = ops::RmsNorm(compute, b, b_norm_, config_.norm_epsilon);
    c = ops::RmsNorm(compute, c, c_norm_, config_.norm_epsilon);
  }
  const Rows dt = ops::MatMul(compute, dt_, dt_low);  // {rows, E D}
  ops::SoftplusInto(compute, dt_bias_, dt);

  pass.Log(layer_, 0, xz.Columns(0, inner));
  pass.Log(layer_, inner, dt);
  pass.Log(layer_, int64_t{2} * inner, b);

  const Rows y = ops::SelectiveScan(compute, scan_, pass.ScanRuns(layer_), u,
                                    dt, b, c);  // {rows, E D}
  ops::SiluMulInto(compute, z, y);
  return ops::MatMul(compute, out_, y);
}

void MambaMixer::Replay(Pass& pass) const {
  const int64_t inner = config_.inner;
  const Rows u = conv_(pass, pass.Logged(layer_, 0, inner), Activation::kSilu);
  const Rows dt = pass.Logged(layer_, inner, inner);
  const Rows b = pass.Logged(layer_, 2 * inner, config_.state);
  // C makes the output, which nobody reads.
  const Rows& c = b;
  ops::SelectiveScan(pass.compute, scan_, pass.ScanRuns(layer_), u, dt, b, c);
}

LayerSpec MambaMixer::Memory() const {
  // The kernel pads channels to whole vectors; see kernels/scan.h.
  return {.conv_floats = ShortConv::WindowFloats(config_.taps, config_.inner),
          .state_floats = ScanStateFloats(config_.inner, config_.state),
          .log_floats =
              static_cast<size_t>(int64_t{2} * config_.inner + config_.state)};
}

}  // namespace braid::nn
