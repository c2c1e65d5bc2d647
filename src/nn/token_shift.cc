#include "nn/token_shift.h"

#include <algorithm>

#include "ops/ops.h"

namespace braid::nn {

TokenShift::TokenShift(int layer, int window, int width)
    : layer_(layer),
      width_(width),
      offset_(int64_t{window} * width),
      taps_(2 * static_cast<size_t>(width)) {
  std::fill_n(taps_.begin(), width, 1.0f);
}

Rows TokenShift::operator()(Pass& pass, ConstRows x) const {
  pass.Log(layer_, offset_, x);
  return Shift(pass, x);
}

void TokenShift::Replay(Pass& pass) const {
  Shift(pass, pass.Logged(layer_, offset_, width_));
}

Rows TokenShift::Shift(Pass& pass, ConstRows x) const {
  const StatePhases phases =
      pass.ConvRuns(layer_, static_cast<size_t>(offset_));
  return ops::CausalConv(pass.compute, phases, x, taps_, {}, Activation::kNone);
}

}  // namespace braid::nn
