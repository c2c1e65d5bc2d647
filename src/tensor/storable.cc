#include "tensor/storable.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/format.h"

namespace braid {

float LargestStorable(DType type) {
  // What is above rounds to infinity: half a step over the largest number.
  constexpr float kLargestToBf16 = 0x1.fefffep127f;
  constexpr float kLargestHalf = 65504;
  switch (type) {
    case DType::kF32:
      return std::numeric_limits<float>::max();
    case DType::kBF16:
      return kLargestToBf16;
    default:
      return kLargestHalf;
  }
}

std::optional<int64_t> FindUnstorable(DType type,
                                      std::span<const float> values) {
  const float largest = LargestStorable(type);
  // Without a branch in the loop it is as fast as memory; the place is wanted
  // only if there is one.
  bool usable = true;
  for (const float value : values) usable &= std::fabs(value) <= largest;
  if (usable) return std::nullopt;
  const auto found = std::ranges::find_if(values, [largest](float value) {
    return !(std::fabs(value) <= largest);
  });
  return found - values.begin();
}

Error UnstorableError(std::string_view tensor, int64_t element, float value,
                      DType type) {
  if (!std::isfinite(value)) {
    return Error{Format("{}: element {} is {}, which is no weight", tensor,
                        element, value)};
  }
  return Error{Format("{}: element {} is {}; {} holds at most {}", tensor,
                      element, value, Name(type), LargestStorable(type))};
}

}  // namespace braid
