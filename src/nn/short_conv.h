// ShortConv: the causal depthwise convolution in front of a scan.
//
// Gu and Dao, "Mamba", 2023, figure 3. Its weights, in the kernel's order.
#ifndef BRAID_SRC_NN_SHORT_CONV_H_
#define BRAID_SRC_NN_SHORT_CONV_H_

#include <string_view>
#include <vector>

#include "kernels/conv.h"
#include "nn/pass.h"
#include "nn/weight_scope.h"

namespace braid::nn {

class ShortConv {
 public:
  enum class Bias { kNone, kRequired, kIfThere };

  ShortConv() = default;
  // Tensors `name`.weight {taps, channels} (the last tap is the token's own)
  // and `name`.bias {channels}. `layer` is the index of its memory.
  ShortConv(WeightScope& w, std::string_view name, int taps, int channels,
            Bias bias, int layer);

  // {rows, channels} -> {rows, channels}. Advances the window of every run.
  Rows operator()(Pass& pass, ConstRows x, Activation activation) const;

  // Floats of the window of a sequence.
  static size_t WindowFloats(int taps, int channels) {
    return static_cast<size_t>(taps - 1) * static_cast<size_t>(channels);
  }

 private:
  int layer_ = 0;
  std::vector<float> weight_;  // [taps][channels]
  std::vector<float> bias_;    // [channels] or empty
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_SHORT_CONV_H_
