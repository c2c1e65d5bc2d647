// Causal attention over a sequence's own pages of keys and values, with grouped
// heads (Vaswani et al. 2017, section 3.2; Ainslie et al. 2023 for groups).
//
// The bits of a query row depend on that row, its position and the keys and
// values at positions up to its own: positions are walked in order, in blocks
// of kPagePositions anchored at absolute positions; for every block (maximum,
// sum, accumulator) is computed from empty and combined in ascending order, in
// prefill and in decode alike. Lanes beyond a query's position are masked by
// selection, never multiplied: memory that was not written may hold anything.
//
// Numeric definition for a query q at position p (Exp, the reduction lanes and
// the maximum: kernels/element_functions.h). (M, L, A[]) = (-inf, 0, 0...);
// for each block of positions j that begins at or before p, ascending:
//   s[j] = fma(K[j][k], q[k] * scale, s[j]) from +0, k ascending
//   m    = largest s[j], e[j] = Exp(s[j] - m), both over j <= p only
//   l    = sum of e[j] over 16 virtual lanes (0 beyond p) and the tree
//   a[d] = fma(e[j], V[j][d], a[d]) from +0, j ascending, over j <= p only
//   N    = m > M ? m : M, old = Exp(M - N), fresh = Exp(m - N), M = N
//   L    = fma(L, old, l * fresh), A[d] = fma(A[d], old, a[d] * fresh)
// and in the end out[d] = A[d] * (1 / L).
#ifndef BRAID_SRC_KERNELS_ATTENTION_H_
#define BRAID_SRC_KERNELS_ATTENTION_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/arena.h"
#include "base/run.h"
#include "base/thread_pool.h"
#include "tensor/dtype.h"
#include "tensor/rows.h"

namespace braid {

// What one layer keeps for one page of kPagePositions positions.
// Keys are transposed inside the page, [kv_head][key_dim][kPagePositions], so
// that lanes are positions; values are [kv_head][kPagePositions][value_dim].
struct KvLayout {
  DType type = DType::kF16;  // kF32 or kF16; rounded to nearest even
  int kv_heads = 0;
  int key_dim = 0;
  int value_dim = 0;

  size_t ElementBytes() const;
  // Where a head's keys and values begin inside the page, in bytes.
  size_t KeyOffset(int kv_head) const;
  size_t ValueOffset(int kv_head) const;
  size_t PageBytes() const;
};

// The pages of one layer: page p starts at base + p * page_stride.
struct KvPagesView {
  std::byte* base = nullptr;
  size_t page_stride = 0;
};

// Stores rows of keys {rows, kv_heads * key_dim} and values
// {rows, kv_heads * value_dim} into the pages of their runs. runs[i] owns rows
// [begin, begin + length) at positions first_position + j, and tables[i] its
// pages.
void WriteKv(const KvLayout& layout, KvPagesView pages,
             std::span<const Run> runs, std::span<const PageTable> tables,
             ConstRows keys, ConstRows values, ThreadPool& threads);

// out[m][h] = softmax(scale * q[m][h] . K) V over positions 0 to m's own.
// q: {rows, heads * key_dim}, out: {rows, heads * value_dim}; head h reads KV
// head h / (heads / kv_heads). The rows' own keys and values must have been
// written. out must not overlap q.
void Attention(const KvLayout& layout, KvPagesView pages,
               std::span<const Run> runs, std::span<const PageTable> tables,
               ConstRows q, int heads, float scale, Rows out, Arena& arena,
               ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_ATTENTION_H_
