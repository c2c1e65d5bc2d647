// Attention over pages written to be read: what the kernels of
// kernels/attention.h must equal in every bit if the calling thread holds a
// FloatGuard; and the double-precision oracle, row by row.
#ifndef BRAID_SRC_KERNELS_REF_ATTENTION_TWIN_H_
#define BRAID_SRC_KERNELS_REF_ATTENTION_TWIN_H_

#include <span>
#include <vector>

#include "kernels/attention.h"
#include "kernels/ref/oracle_value.h"

namespace braid {

void WriteKvTwin(const KvLayout& layout, KvPagesView pages,
                 std::span<const Run> runs, std::span<const PageTable> tables,
                 ConstRows keys, ConstRows values);

void AttentionTwin(const KvLayout& layout, KvPagesView pages,
                   std::span<const Run> runs, std::span<const PageTable> tables,
                   ConstRows q, int heads, const AttentionOptions& options,
                   Rows out);

// Row m of q is the query at position m, row j of `keys` and `values` position
// j, taken as they are (already rounded to what a page can hold). If not
// causal, every query sees all rows of `keys`.
std::vector<OracleValue> AttentionOracle(const KvLayout& layout, ConstRows keys,
                                         ConstRows values, ConstRows q,
                                         int heads,
                                         const AttentionOptions& options);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_ATTENTION_TWIN_H_
