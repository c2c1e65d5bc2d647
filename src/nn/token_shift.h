// TokenShift: every row's predecessor in its sequence, zeros before the first
// (Peng et al., "RWKV", 2023, section 3.1.1).
#ifndef BRAID_SRC_NN_TOKEN_SHIFT_H_
#define BRAID_SRC_NN_TOKEN_SHIFT_H_

#include <vector>

#include "nn/pass.h"

namespace braid::nn {

// The windows of a layer of RWKV.
inline constexpr int kTimeMixWindow = 0;
inline constexpr int kChannelMixWindow = 1;

class TokenShift {
 public:
  TokenShift() = default;
  // The row before is kept in window `window` of `layer`, width floats each.
  TokenShift(int layer, int window, int width);

  // {rows, width} -> {rows, width}. Advances the window of every run. Logs x,
  // in the columns [window * width, window * width + width) of its layer.
  Rows operator()(Pass& pass, ConstRows x) const;
  // Advances the window of every run by what was logged.
  void Replay(Pass& pass) const;

 private:
  Rows Shift(Pass& pass, ConstRows x) const;

  int layer_ = 0;
  int64_t width_ = 0;
  int64_t offset_ = 0;       // of the window, and of the columns of the log
  std::vector<float> taps_;  // a convolution with the taps 1 and 0
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_TOKEN_SHIFT_H_
