// The element functions of kernels/element_functions.h on one float, and the
// reductions over a row: the scalar side of every twin. Equal bits to the
// vector kernels if the calling thread holds a FloatGuard.
#ifndef BRAID_SRC_KERNELS_REF_ELEMENT_FUNCTIONS_H_
#define BRAID_SRC_KERNELS_REF_ELEMENT_FUNCTIONS_H_

#include <cstdint>

namespace braid {

float ExpTwin(float x);
float DecayTwin(float a, float b);
float SiluTwin(float v);
float SoftplusTwin(float x);
float SigmoidTwin(float v);
float TanhTwin(float x);
float GeluErfTwin(float v);
float GeluTanhTwin(float v);
float GeluQuickTwin(float v);
float ReluTwin(float v);

// The sum of values[0] to values[count - 1], of their squares, and the largest
// of them, by 16 virtual lanes and the tree.
float SumTwin(const float* values, int64_t count);
float SumOfSquaresTwin(const float* values, int64_t count);
float MaximumTwin(const float* values, int64_t count);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_ELEMENT_FUNCTIONS_H_
