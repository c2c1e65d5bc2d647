#include "nn/short_conv.h"

#include <string>

#include "base/format.h"
#include "ops/ops.h"

namespace braid::nn {

namespace {

// GGUF stores a channel's taps together; the kernel wants a tap's channels.
std::vector<float> TransposeTaps(const std::vector<float>& stored, int taps,
                                 int channels) {
  std::vector<float> weight(stored.size());
  if (stored.empty()) return weight;  // the scope holds the error
  for (int c = 0; c < channels; ++c) {
    for (int j = 0; j < taps; ++j) {
      weight[size_t(j) * channels + c] = stored[size_t(c) * taps + j];
    }
  }
  return weight;
}

}  // namespace

ShortConv::ShortConv(WeightScope& w, std::string_view name, int taps,
                     int channels, Bias bias, int layer)
    : layer_(layer),
      weight_(TransposeTaps(w.Vector(std::string(name) + ".weight",
                                     {taps, channels}, Role::kMatrix),
                            taps, channels)) {
  if (taps > kMostTaps) {
    w.Fail(std::string(name) + ".weight",
           Format("{} taps; at most {} are supported", taps, kMostTaps));
  }
  const std::string bias_name = std::string(name) + ".bias";
  if (bias == Bias::kRequired || (bias == Bias::kIfThere && w.Has(bias_name))) {
    bias_ = w.Vector(bias_name, {channels}, Role::kBias);
  }
}

Rows ShortConv::operator()(Pass& pass, ConstRows x,
                           Activation activation) const {
  return ops::CausalConv(pass.compute, pass.ConvRuns(layer_), x, weight_, bias_,
                         activation);
}

}  // namespace braid::nn
