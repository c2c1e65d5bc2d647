#include "nn/state_decay.h"

#include <cmath>

#include "base/format.h"

namespace braid::nn {

std::vector<float> LoadDecay(WeightScope& w, std::string_view name,
                             const Shape& shape) {
  std::vector<float> decay = w.Vector(name, shape, Role::kDecay);
  for (const float value : decay) {
    if (!(value <= 0) || std::isinf(value)) {
      w.Fail(name, Format("{} is not a finite number <= 0", value));
      return {};
    }
  }
  return decay;
}

}  // namespace braid::nn
