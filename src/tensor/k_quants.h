// Encoders that search: those of the K and IQ4 formats, as their inventor's
// tool does it. `importance` weights the error of each element of the block and
// is not negative; nullptr: large elements weigh more, nothing else is known.
// NaN and infinity give some block, never undefined behaviour.
#ifndef BRAID_SRC_TENSOR_K_QUANTS_H_
#define BRAID_SRC_TENSOR_K_QUANTS_H_

#include "tensor/formats.h"

namespace braid {

// Sub-blocks by an affine fit (weight without importance: the sub-block's root
// mean square plus |x|), tried with 22 scales (38 with importance); then scales
// and minima as integers, and codes chosen again with what is stored.
void EncodeBlock(const float* values, const float* importance,
                 FormatQ2_K::Block& block);
void EncodeBlock(const float* values, const float* importance,
                 FormatQ4_K::Block& block);
void EncodeBlock(const float* values, const float* importance,
                 FormatQ5_K::Block& block);

// Sub-blocks by a symmetric fit (weight x^2), tried with 19 scales; then scales
// as integers, and codes chosen again with what is stored.
void EncodeBlock(const float* values, const float* importance,
                 FormatQ3_K::Block& block);
void EncodeBlock(const float* values, const float* importance,
                 FormatQ6_K::Block& block);

// Sub-blocks by the same fit to the levels, tried with 15 scales.
void EncodeBlock(const float* values, const float* importance,
                 FormatIQ4_NL::Block& block);
void EncodeBlock(const float* values, const float* importance,
                 FormatIQ4_XS::Block& block);

// x ~ scale * code - min.
struct Affine {
  float scale = 0;  // >= 0
  float min = 0;    // >= 0
};

// Codes 0 to `levels` of n <= 32 values: tries scales (max - min) / levels and
// (max - min) / (levels + shift), shift = first_shift + k * shift_step with k
// from 0 to `steps`; solves each choice of codes for the best scale and offset,
// and keeps the smallest weighted square error.
Affine FitAffine(const float* x, const float* weights, int n, int levels,
                 float first_shift, float shift_step, int steps, int* codes);

// x ~ scale * code, codes -levels to levels - 1 of n <= 32 values, tried with
// 19 scales. Returns the scale of the smallest weighted square error.
float FitSymmetric(const float* x, const float* weights, int n, int levels,
                   int* codes);

// Stores codes of two bits in the order of Q2_K.
void PackPairs(const int* codes, uint8_t (&low)[64]);

// The nearest integer to `value`, ties to even, clamped to [low, high]; NaN
// gives `low`.
int NearestInt(float value, int low, int high);

}  // namespace braid

#endif  // BRAID_SRC_TENSOR_K_QUANTS_H_
