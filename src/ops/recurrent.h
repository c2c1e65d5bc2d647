// Operations of recurrent layers other than Mamba-1's; see ops/ops.h.
#ifndef BRAID_SRC_OPS_RECURRENT_H_
#define BRAID_SRC_OPS_RECURRENT_H_

#include <span>

#include "kernels/conv.h"
#include "kernels/delta_rule.h"
#include "kernels/ssd_scan.h"
#include "kernels/wkv.h"
#include "ops/compute.h"
#include "tensor/rows.h"

namespace braid::ops {

// {rows, heads * head_dim} -> the same; see kernels/ssd_scan.h.
Rows SsdScan(Compute& compute, const SsdWeights& weights, StatePhases phases,
             ConstRows x, ConstRows dt, ConstRows b, ConstRows c);

// RMS norm of each of `groups` equal parts of a row on its own, in place.
// weight: [width].
void GroupedRmsNormInto(Compute& compute, int groups,
                        std::span<const float> weight, float epsilon, Rows x);

// One row, seen as `rows` equal rows.
ConstRows Broadcast(std::span<const float> row, int64_t rows);

// x * row, the row broadcast: {rows, width}.
Rows Scale(Compute& compute, std::span<const float> row, ConstRows x);
// x * y, into x.
void MultiplyInto(Compute& compute, Rows x, ConstRows y);
// x * factors, every row by its own, in place: factors {rows, 1}.
void ScaleRowsInto(Compute& compute, ConstRows factors, Rows x);
// From a to b by t, {rows, width}; t as rows, or one row for all.
Rows Lerp(Compute& compute, ConstRows a, ConstRows b, std::span<const float> t);
Rows Lerp(Compute& compute, ConstRows a, ConstRows b, ConstRows t);

// Layer norm of each of `groups` equal parts of a row on its own, then scale
// and shift, in place. weight, bias: [width]. x is dense.
void GroupNormInto(Compute& compute, int groups, std::span<const float> weight,
                   std::span<const float> bias, float epsilon, Rows x);

// Each of `groups` equal parts of a row, divided by sqrt(its squared length +
// epsilon), in place. x is dense.
void NormalizeGroupsInto(Compute& compute, int groups, float epsilon, Rows x);

// {rows, heads * head_size} -> the same; see kernels/wkv.h.
Rows Wkv6(Compute& compute, const WkvShape& shape, StatePhases phases,
          const WkvInputs& inputs, std::span<const float> first);
Rows Wkv7(Compute& compute, const WkvShape& shape, StatePhases phases,
          const WkvInputs& inputs, ConstRows removal, ConstRows rate);
void Wkv7AddBonusInto(Compute& compute, const WkvShape& shape,
                      const WkvInputs& inputs, std::span<const float> weight,
                      Rows y);
// {rows, heads * value_dim}; see kernels/delta_rule.h.
Rows DeltaRule(Compute& compute, const DeltaShape& shape, StatePhases phases,
               const DeltaInputs& inputs);

// exp(x), in place.
void ExpInto(Compute& compute, Rows x);
// exp(-exp(x)), and RWKV-7's, in place.
void Wkv6DecayInto(Compute& compute, Rows x);
void Wkv7DecayInto(Compute& compute, Rows x);

}  // namespace braid::ops

#endif  // BRAID_SRC_OPS_RECURRENT_H_
