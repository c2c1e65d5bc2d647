#include "nn/token_shift.h"

#include <algorithm>

#include "ops/ops.h"

namespace braid::nn {

TokenShift::TokenShift(int layer, int window, int width)
    : layer_(layer),
      offset_(static_cast<size_t>(window) * static_cast<size_t>(width)),
      taps_(2 * static_cast<size_t>(width)) {
  std::fill_n(taps_.begin(), width, 1.0f);
}

Rows TokenShift::operator()(Pass& pass, ConstRows x) const {
  return ops::CausalConv(pass.compute, pass.ConvRuns(layer_, offset_), x, taps_,
                         {}, Activation::kNone);
}

}  // namespace braid::nn
