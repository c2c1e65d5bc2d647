// The norms written to be read: what the kernels of kernels/norm.h must equal
// in every bit if the calling thread holds a FloatGuard; and the
// double-precision oracle, row by row, for finite inputs.
#ifndef BRAID_SRC_KERNELS_REF_NORM_TWIN_H_
#define BRAID_SRC_KERNELS_REF_NORM_TWIN_H_

#include <vector>

#include "kernels/ref/oracle_value.h"
#include "tensor/rows.h"

namespace braid {

void RmsNormTwin(ConstRows x, const float* weight, float epsilon, Rows y);

void LayerNormTwin(ConstRows x, const float* weight, const float* bias,
                   float epsilon, Rows y);

std::vector<OracleValue> RmsNormOracle(ConstRows x, const float* weight,
                                       float epsilon);
std::vector<OracleValue> LayerNormOracle(ConstRows x, const float* weight,
                                         const float* bias, float epsilon);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_NORM_TWIN_H_
