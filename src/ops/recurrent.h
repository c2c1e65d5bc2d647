// Operations of recurrent layers other than Mamba-1's; see ops/ops.h.
#ifndef BRAID_SRC_OPS_RECURRENT_H_
#define BRAID_SRC_OPS_RECURRENT_H_

#include <span>

#include "kernels/conv.h"
#include "kernels/ssd_scan.h"
#include "ops/compute.h"
#include "tensor/rows.h"

namespace braid::ops {

// {rows, heads * head_dim} -> the same; see kernels/ssd_scan.h.
Rows SsdScan(Compute& compute, const SsdWeights& weights,
             std::span<const StateRun> runs, ConstRows x, ConstRows dt,
             ConstRows b, ConstRows c);

// RMS norm of each of `groups` equal parts of a row on its own, in place.
// weight: [width].
void GroupedRmsNormInto(Compute& compute, int groups,
                        std::span<const float> weight, float epsilon, Rows x);

}  // namespace braid::ops

#endif  // BRAID_SRC_OPS_RECURRENT_H_
