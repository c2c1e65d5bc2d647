// Codecs: stored weights to float32 and back, one row at a time.
#ifndef BRAID_SRC_TENSOR_CODEC_H_
#define BRAID_SRC_TENSOR_CODEC_H_

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace braid {

// Writes `elements` decoded values (a multiple of BlockElements(type)). Bits
// equal those of the `gguf` Python package's dequantisation.
void DecodeRow(DType type, const std::byte* stored, int64_t elements,
               float* values);

// The reverse, for every type that DecodeRow takes; how each is rounded is
// said beside its block in formats.h.
void EncodeRow(DType type, const float* values, int64_t elements,
               std::byte* stored);

// EncodeRow with errors weighted by `importance`, a number >= 0 for each of the
// elements; nullptr: EncodeRow. Plain floats, Q8_0, the ternary formats and
// MXFP4 have nothing to choose and ignore it.
void EncodeWeightedRow(DType type, const float* values, const float* importance,
                       int64_t elements, std::byte* stored);

}  // namespace braid

#endif  // BRAID_SRC_TENSOR_CODEC_H_
