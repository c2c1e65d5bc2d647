// Encoders that search: those of the K and IQ4 formats (no importance weights),
// as their inventor's tool does it without an imatrix. NaN and infinity give
// some block, never undefined behaviour.
#ifndef BRAID_SRC_TENSOR_K_QUANTS_H_
#define BRAID_SRC_TENSOR_K_QUANTS_H_

#include "tensor/formats.h"

namespace braid {

// Sub-blocks by a weighted affine fit (weight: the sub-block's root mean square
// plus |x|), tried with 22 scales; then scales and minima as integers, and
// codes chosen again with what is stored.
void EncodeBlock(const float* values, FormatQ2_K::Block& block);
void EncodeBlock(const float* values, FormatQ4_K::Block& block);
void EncodeBlock(const float* values, FormatQ5_K::Block& block);

// Sub-blocks by a symmetric fit (weight x^2), tried with 19 scales; then scales
// as integers, and codes chosen again with what is stored.
void EncodeBlock(const float* values, FormatQ3_K::Block& block);
void EncodeBlock(const float* values, FormatQ6_K::Block& block);

// Sub-blocks by the same fit to the levels, tried with 15 scales.
void EncodeBlock(const float* values, FormatIQ4_NL::Block& block);
void EncodeBlock(const float* values, FormatIQ4_XS::Block& block);

// Stores codes of two bits in the order of Q2_K.
void PackPairs(const int* codes, uint8_t (&low)[64]);

// The nearest integer to `value`, ties to even, clamped to [low, high]; NaN
// gives `low`.
int NearestInt(float value, int low, int high);

}  // namespace braid

#endif  // BRAID_SRC_TENSOR_K_QUANTS_H_
