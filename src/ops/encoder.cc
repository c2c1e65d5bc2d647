#include "ops/encoder.h"

#include <cstdint>
#include <numeric>

#include "base/check.h"
#include "ops/ops.h"

namespace braid::ops {

namespace {

int64_t PagesOf(const Run& run) {
  return (run.length + kPagePositions - 1) / kPagePositions;
}

}  // namespace

Rows TextAttention(Compute& compute, const KvLayout& layout,
                   std::span<const Run> runs, ConstRows q, ConstRows k,
                   ConstRows v, int heads, const AttentionOptions& options) {
  BRAID_CHECK(!options.causal && options.key_counts.empty());
  int64_t count = 0;
  for (const Run& run : runs) {
    BRAID_CHECK(run.first_position == 0);
    count += PagesOf(run);
  }
  const Rows out = compute.NewRows(q.rows, int64_t{heads} * layout.value_dim);
  const ArenaScope scope(compute.arena);
  const size_t pages = static_cast<size_t>(count);
  int32_t* numbers = compute.arena.Allocate<int32_t>(pages);
  std::iota(numbers, numbers + pages, 0);
  PageTable* tables = compute.arena.Allocate<PageTable>(runs.size());
  size_t next = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    const size_t owned = static_cast<size_t>(PagesOf(runs[i]));
    tables[i].pages = {numbers + next, owned};
    next += owned;
  }
  const size_t stride =
      (layout.PageBytes() + kAlignment - 1) / kAlignment * kAlignment;
  const KvPagesView view = {
      .base = compute.arena.Allocate<std::byte>(pages * stride),
      .page_stride = stride};
  const std::span<const PageTable> all = {tables, runs.size()};
  WriteKv(compute, layout, view, runs, all, k, v);
  BRAID_CHECK(q.width == int64_t{heads} * layout.key_dim);
  BRAID_CHECK(heads % layout.kv_heads == 0);
  braid::Attention(layout, view, runs, all, q, heads, options, out,
                   compute.arena, compute.threads);
  return out;
}

}  // namespace braid::ops
