// Attention over pages of keys and values, with grouped heads (Vaswani et al.
// 2017, section 3.2; Ainslie et al. 2023 for groups): causal, in a window
// (Beltagy et al. 2020), bidirectional, and across to another sequence.
//
// The bits of a query row depend on that row, its position and the keys and
// values at the positions that it sees: positions are walked in order, in
// blocks of kPagePositions anchored at absolute positions; for every block
// (maximum, sum, accumulator) is computed from empty and combined in ascending
// order, in prefill and in decode alike. Lanes that a query does not see are
// masked by selection, never multiplied: memory that was not written may hold
// anything. Blocks of which a query sees nothing are not part of its answer.
//
// Numeric definition for a query q of head h at position p, which sees
// positions [first, end) (Exp, Tanh, the reduction lanes and the maximum:
// kernels/element_functions.h). (M, L, A[]) = (-inf, 0, 0...); for each block
// of positions j of which some are seen, ascending, and over those only:
//   s[j] = fma(K[j][k], q[k] * scale, s[j]) from +0, k ascending
//   s[j] = soft_cap * Tanh(s[j] / soft_cap), if there is a soft cap
//   s[j] = s[j] + bias[h][j - p], if there is a bias
//   m    = largest s[j], e[j] = Exp(s[j] - m)
//   l    = sum of e[j] over 16 virtual lanes (0 where unseen) and the tree
//   a[d] = fma(e[j], V[j][d], a[d]) from +0, j ascending
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

// What a head adds to the score of a key by its distance from the query
// (Raffel et al., T5, 2020, section 2.1).
struct RelativeBias {
  // [heads][before + 1 + after]; entry `before` is of distance 0. Null: none.
  const float* values = nullptr;
  // Keys that are further away count as that far.
  int before = 0;
  int after = 0;
};

// Which positions a query sees, and what becomes of the scores.
struct AttentionOptions {
  float scale = 1.0f;
  // Scores stay within +-soft_cap (Gemma 2, 2024, section 2); 0: no cap.
  float soft_cap = 0.0f;
  // A query at p sees positions above p - window only; 0: from position 0 on.
  int window = 0;
  // A query sees positions up to its own. Otherwise all rows of run r see
  // positions [0, key_counts[r]), which need not be those of the rows' own
  // sequence; without key_counts, up to the run's last. No window then.
  bool causal = true;
  std::span<const int32_t> key_counts = {};  // [runs], at least 1 each
  RelativeBias bias = {};
};

// out[m][h] = softmax(scores of q[m][h] . K) V over the positions seen.
// q: {rows, heads * key_dim}, out: {rows, heads * value_dim}; head h reads KV
// head h / (heads / kv_heads). All keys and values that are seen must have been
// written, the rows' own too. out must not overlap q.
void Attention(const KvLayout& layout, KvPagesView pages,
               std::span<const Run> runs, std::span<const PageTable> tables,
               ConstRows q, int heads, const AttentionOptions& options,
               Rows out, Arena& arena, ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_ATTENTION_H_
