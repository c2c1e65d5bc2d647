// The mixture of experts written to be read: what the kernels of kernels/moe.h
// must equal in every bit if the calling thread holds a FloatGuard; and
// double-precision oracles for finite inputs.
#ifndef BRAID_SRC_KERNELS_REF_MOE_TWIN_H_
#define BRAID_SRC_KERNELS_REF_MOE_TWIN_H_

#include <vector>

#include "kernels/moe.h"
#include "kernels/ref/oracle_value.h"
#include "tensor/rows.h"

namespace braid {

void RouteTwin(const RoutingConfig& config, ConstRows logits, const float* bias,
               Routing routing);

void SumExpertsTwin(Routing routing, const int32_t* places, ConstRows x,
                    Rows y);

// The weights of the experts that `routing` names, [rows][selected]: which ones
// are right is for the twin to say, as it hangs on single bits.
std::vector<OracleValue> ExpertWeightsOracle(const RoutingConfig& config,
                                             ConstRows logits, Routing routing);

// [rows][x.width].
std::vector<OracleValue> SumExpertsOracle(Routing routing,
                                          const int32_t* places, ConstRows x);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_MOE_TWIN_H_
