// Encoders of the K formats: 256 elements to one block, by search (no
// importance weights), as their inventor's tool does it without an imatrix.
// NaN and infinity give some block, never undefined behaviour.
#ifndef BRAID_SRC_TENSOR_K_QUANTS_H_
#define BRAID_SRC_TENSOR_K_QUANTS_H_

#include "tensor/formats.h"

namespace braid {

// Sub-blocks by a weighted affine fit (weight: the sub-block's root mean square
// plus |x|), tried with 21 scales; then scales and minima in 6 bits, and codes
// chosen again with what is stored.
void EncodeBlock(const float* values, FormatQ4_K::Block& block);

// Sub-blocks by a symmetric fit (weight x^2), tried with 19 scales; then scales
// in 8 bits, and codes chosen again with what is stored.
void EncodeBlock(const float* values, FormatQ6_K::Block& block);

// The nearest integer to `value`, ties to even, clamped to [low, high]; NaN
// gives `low`.
int NearestInt(float value, int low, int high);

}  // namespace braid

#endif  // BRAID_SRC_TENSOR_K_QUANTS_H_
