// GatedConv: the short-range mixer of LFM2 (Liquid AI, "LFM2 Technical Report",
// 2025, section 2): y = out(c * conv(b * x)), where b, c and x are projections
// of the input and conv is a causal depthwise convolution.
#ifndef BRAID_SRC_NN_GATED_CONV_H_
#define BRAID_SRC_NN_GATED_CONV_H_

#include "memory/spec.h"
#include "nn/linear.h"
#include "nn/pass.h"
#include "nn/short_conv.h"

namespace braid::nn {

class GatedConv {
 public:
  GatedConv() = default;
  // Tensors shortconv.in_proj {width, 3 width} (rows b, c, x), shortconv.conv
  // {taps, width}, shortconv.out_proj {width, width}. `layer` is the index of
  // its memory.
  GatedConv(WeightScope& w, int width, int taps, int layer);

  // {rows, width} -> {rows, width}. Advances the window of every run. Logs the
  // convolution's input, {rows, width}.
  Rows operator()(Pass& pass, ConstRows x) const;
  // Advances the window of every run by what was logged.
  void Replay(Pass& pass) const;

  LayerSpec Memory() const;

 private:
  int width_ = 0;
  int taps_ = 0;
  int layer_ = 0;
  Linear in_;
  ShortConv conv_;
  Linear out_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_GATED_CONV_H_
