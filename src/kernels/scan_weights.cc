#include "kernels/element_functions.h"
#include "kernels/scan.h"

namespace braid {

namespace {

size_t Groups(int channels) {
  return (static_cast<size_t>(channels) + kScanGroup - 1) / kScanGroup;
}

}  // namespace

size_t ScanStateFloats(int channels, int states) {
  return Groups(channels) * kScanGroup * static_cast<size_t>(states);
}

ScanWeights::ScanWeights(const float* a, const float* d, int channels,
                         int states)
    : channels_(channels), states_(states) {
  const size_t padded = Groups(channels) * kScanGroup;
  data_ = AlignedBuffer((StateFloats() + padded) * sizeof(float));
  float* decay = data_.as<float>();
  for (int c = 0; c < channels; ++c) {
    const size_t group = static_cast<size_t>(c) / kScanGroup;
    const size_t lane = static_cast<size_t>(c) % kScanGroup;
    for (int n = 0; n < states; ++n) {
      decay[(group * states + n) * kScanGroup + lane] =
          a[static_cast<size_t>(c) * states + n] * kLog2e;
    }
    decay[StateFloats() + c] = d[c];
  }
}

const float* ScanWeights::d() const {
  return data_.as<float>() + StateFloats();
}

}  // namespace braid
