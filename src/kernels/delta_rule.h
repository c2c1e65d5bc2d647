// The gated delta rule: Yang et al., "Gated Delta Networks: Improving Mamba2
// with Delta Rule", 2024, equation 10 (one decay per head, Qwen3-Next and
// Qwen3.5); Kimi Team, "Kimi Linear", 2025, equation 1 (one decay per key
// channel, KDA).
#ifndef BRAID_SRC_KERNELS_DELTA_RULE_H_
#define BRAID_SRC_KERNELS_DELTA_RULE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "kernels/conv.h"
#include "tensor/rows.h"

namespace braid {

// Which key head a value head reads and writes with, where there are fewer of
// them.
enum class HeadOrder {
  kGrouped,  // neighbouring value heads share one
  kTiled,    // value head n has key head n modulo their number
};

struct DeltaShape {
  int heads = 0;      // of values, each with a state of its own
  int key_heads = 0;  // of queries and keys; divides heads
  int key_dim = 0;    // channels of a query or key
  int value_dim = 0;  // channels of a value
  HeadOrder order = HeadOrder::kGrouped;

  int64_t key_channels() const { return int64_t{key_heads} * key_dim; }
  int64_t channels() const { return int64_t{heads} * value_dim; }
  int64_t KeyHead(int64_t head) const {
    return order == HeadOrder::kTiled ? head % key_heads
                                      : head / (heads / key_heads);
  }
  // Floats of one head's state, [values / 16, rounded up][keys][16 values],
  // and of a sequence's, [heads] of these.
  int64_t HeadFloats() const {
    return (int64_t{value_dim} + 15) / 16 * 16 * key_dim;
  }
  size_t StateFloats() const {
    return static_cast<size_t>(heads) * static_cast<size_t>(HeadFloats());
  }
};

struct DeltaInputs {
  ConstRows query;  // {rows, key_channels}, scaled
  ConstRows key;    // {rows, key_channels}, of length 1 in every head
  ConstRows value;  // {rows, channels}
  // In [0, 1]: {rows, heads}, or {rows, heads * key_dim} for one per key
  // channel.
  ConstRows decay;
  ConstRows rate;  // {rows, heads}, in [0, 1]
};

// For each row of a run, in order, per value head, key channel i and value
// channel j, w being the decay and beta the rate:
//   recalled[j] = sum over i ascending of (k[i] * w[i]) * S[i][j]
//   change[j] = beta * (v[j] - recalled[j])
//   S[i][j] = fma(w[i], S[i][j], k[i] * change[j])
//   y[j] = sum over i ascending of q[i] * S[i][j]
// What the decayed state answers to a key moves towards the value; the row
// reads what it has written. Sums are chains of fma from +0. States are
// StateFloats() long, float32. y, {rows, channels}, is none of the inputs.
void DeltaRule(const DeltaShape& shape, std::span<const StateRun> runs,
               const DeltaInputs& inputs, Rows y, ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_DELTA_RULE_H_
