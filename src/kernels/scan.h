// The selective scan of Mamba-1 (Gu and Dao, 2023, algorithm 2, section 3.3).
#ifndef BRAID_SRC_KERNELS_SCAN_H_
#define BRAID_SRC_KERNELS_SCAN_H_

#include <cstddef>
#include <span>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kernels/conv.h"
#include "tensor/rows.h"

namespace braid {

// Channels whose states are interleaved: the lanes of a vector.
inline constexpr int kScanGroup = 16;

// Floats of one sequence's state: [group][states][16 channels], with the
// channels of the last group padded.
size_t ScanStateFloats(int channels, int states);

// A and D in kernel order: lanes are channels, in groups of 16; A is multiplied
// by log2(e) once, here. Channels that do not fill a group are padded with 0.
class ScanWeights {
 public:
  ScanWeights() = default;
  // a: [channels][states] (already -exp(A_log), so never positive); d:
  // [channels].
  ScanWeights(const float* a, const float* d, int channels, int states);

  int channels() const { return channels_; }
  int states() const { return states_; }
  size_t StateFloats() const { return ScanStateFloats(channels_, states_); }
  const float* a() const { return data_.as<float>(); }
  const float* d() const;

 private:
  int channels_ = 0;
  int states_ = 0;
  AlignedBuffer data_;
};

// For each row t of a run, in order, per channel c and state n:
//   h[n] = fma(exp(dt[t][c] * A[c][n]), h[n], (dt[t][c] * x[t][c]) * B[t][n])
//   y[t][c] = fma(D[c], x[t][c], sum over n ascending of C[t][n] * h[n])
// exp(dt A) is Decay(dt, A log2(e)) of kernels/element_functions.h; the sum is
// a chain of fma from +0. x, dt (after softplus), y: {rows, channels}; b, c:
// {rows, states}.
// States are StateFloats() long, float32. y may be x.
void SelectiveScan(const ScanWeights& weights, std::span<const StateRun> runs,
                   ConstRows x, ConstRows dt, ConstRows b, ConstRows c, Rows y,
                   ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_SCAN_H_
