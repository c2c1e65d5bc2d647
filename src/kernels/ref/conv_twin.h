// The causal convolution written to be read: what the kernel of kernels/conv.h
// must equal in every bit if the calling thread holds a FloatGuard; and the
// double-precision oracle of one run without history, row by row.
#ifndef BRAID_SRC_KERNELS_REF_CONV_TWIN_H_
#define BRAID_SRC_KERNELS_REF_CONV_TWIN_H_

#include <span>
#include <vector>

#include "kernels/conv.h"
#include "kernels/ref/oracle_value.h"

namespace braid {

// y must not be x.
void CausalConvTwin(std::span<const StateRun> runs, ConstRows x,
                    const float* weight, int taps, const float* bias,
                    Activation activation, Rows y);

std::vector<OracleValue> CausalConvOracle(ConstRows x, const float* weight,
                                          int taps, const float* bias,
                                          Activation activation);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_CONV_TWIN_H_
