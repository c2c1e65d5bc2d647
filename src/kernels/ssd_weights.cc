#include "kernels/element_functions.h"
#include "kernels/ssd_scan.h"

namespace braid {

SsdWeights::SsdWeights(const float* a, const float* d, const SsdShape& shape)
    : shape_(shape),
      data_(2 * static_cast<size_t>(shape.heads) * sizeof(float)) {
  float* values = data_.as<float>();
  for (int head = 0; head < shape.heads; ++head) {
    values[head] = a[head] * kLog2e;
    values[shape.heads + head] = d[head];
  }
}

}  // namespace braid
