// Causal depthwise convolution over time with carried state (Gu and Dao,
// Mamba, 2023, figure 3: the short convolution before the scan).
#ifndef BRAID_SRC_KERNELS_CONV_H_
#define BRAID_SRC_KERNELS_CONV_H_

#include <span>

#include "base/thread_pool.h"
#include "tensor/rows.h"

namespace braid {

// One sequence's rows, and where its state lies. `source` null: zeros.
// `source` and `destination` may be the same.
struct StateRun {
  int begin = 0;
  int length = 0;
  const float* source = nullptr;
  float* destination = nullptr;
};

// Runs whose states are also wanted on the way are done in pieces: phase 0 has
// every run's first piece, phase 1 the second of those that have one, and so
// on. A piece reads the state that the one before it wrote, so phases are done
// in order; the bits are those of doing the runs in one piece.
using StatePhases = std::span<const std::span<const StateRun>>;

// The longest convolution that is compiled.
inline constexpr int kMostTaps = 8;

enum class Activation { kNone, kSilu };

// y[t][c] = activation(bias[c] + sum over j of
//           weight[j][c] * x[t - (taps - 1) + j][c]), j ascending, one FMA
//           each.
// x, y: {rows, channels}; weight: [taps][channels] (transposed from GGUF's
// {taps, channels}); bias: channels or null. The state holds the last taps - 1
// inputs, oldest first: [taps - 1][channels]. y may be x.
void CausalConv(std::span<const StateRun> runs, ConstRows x,
                const float* weight, int taps, const float* bias,
                Activation activation, Rows y, ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_CONV_H_
