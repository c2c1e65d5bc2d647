// Operations of encoders, whose texts are there as a whole.
#ifndef BRAID_SRC_OPS_ENCODER_H_
#define BRAID_SRC_OPS_ENCODER_H_

#include <span>

#include "base/run.h"
#include "kernels/attention.h"
#include "ops/compute.h"
#include "tensor/rows.h"

namespace braid::ops {

// {rows, heads * key_dim} -> {rows, heads * value_dim}: every row of a run sees
// all rows of its run, which begins at position 0. Keys and values lie in pages
// of the arena, so that this is the attention of kernels/attention.h; nothing
// is remembered. `options` must not be causal.
Rows TextAttention(Compute& compute, const KvLayout& layout,
                   std::span<const Run> runs, ConstRows q, ConstRows k,
                   ConstRows v, int heads, const AttentionOptions& options);

}  // namespace braid::ops

#endif  // BRAID_SRC_OPS_ENCODER_H_
