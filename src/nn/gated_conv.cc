#include "nn/gated_conv.h"

#include "ops/recurrent.h"

namespace braid::nn {

GatedConv::GatedConv(WeightScope& w, int width, int taps, int layer)
    : width_(width),
      taps_(taps),
      layer_(layer),
      in_(w, "shortconv.in_proj", width, int64_t{3} * width),
      conv_(w, "shortconv.conv", taps, width, ShortConv::Bias::kNone, layer),
      out_(w, "shortconv.out_proj", width, width) {}

Rows GatedConv::operator()(Pass& pass, ConstRows input) const {
  Compute& compute = pass.compute;
  const Rows projected = in_(compute, input);  // {rows, 3 width}
  const Rows b = projected.Columns(0, width_);
  const Rows c = projected.Columns(width_, width_);
  const Rows x = projected.Columns(int64_t{2} * width_, width_);
  ops::MultiplyInto(compute, x, b);
  pass.Log(layer_, 0, x);
  const Rows y = conv_(pass, x, Activation::kNone);  // {rows, width}
  ops::MultiplyInto(compute, y, c);
  return out_(compute, y);
}

void GatedConv::Replay(Pass& pass) const {
  conv_(pass, pass.Logged(layer_, 0, width_), Activation::kNone);
}

LayerSpec GatedConv::Memory() const {
  return {.conv_floats = ShortConv::WindowFloats(taps_, width_),
          .log_floats = static_cast<size_t>(width_)};
}

}  // namespace braid::nn
