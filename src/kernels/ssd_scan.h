// The state-space duality scan of Mamba-2 (Dao and Gu, "Transformers are SSMs",
// 2024, section 7.1): one decay per head, B and C shared by a group of heads.
#ifndef BRAID_SRC_KERNELS_SSD_SCAN_H_
#define BRAID_SRC_KERNELS_SSD_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kernels/conv.h"
#include "tensor/rows.h"

namespace braid {

struct SsdShape {
  int heads = 0;
  int head_dim = 0;  // P, channels of a head
  int groups = 1;    // divides heads; head h uses group h / (heads / groups)
  int states = 0;    // N

  int64_t channels() const { return int64_t{heads} * head_dim; }
  int group_of(int head) const { return head / (heads / groups); }
  // Channels of a head in the state, padded to whole vectors.
  int64_t padded_head_dim() const { return (int64_t{head_dim} + 15) / 16 * 16; }
  // Floats of one head's state, [P / 16, rounded up][N][16 channels], and of a
  // sequence's, [heads] of these.
  int64_t HeadFloats() const { return padded_head_dim() * states; }
  size_t StateFloats() const {
    return static_cast<size_t>(heads) * static_cast<size_t>(HeadFloats());
  }
};

// A and D by head; A is multiplied by log2(e) once, here.
class SsdWeights {
 public:
  SsdWeights() = default;
  // a: [heads] (already -exp(A_log), so never positive); d: [heads].
  SsdWeights(const float* a, const float* d, const SsdShape& shape);

  const SsdShape& shape() const { return shape_; }
  const float* a() const { return data_.as<float>(); }
  const float* d() const { return data_.as<float>() + shape_.heads; }

 private:
  SsdShape shape_;
  AlignedBuffer data_;
};

// For each row t of a run, in order, per head h with group g, channel p and
// state n:
//   H[p][n] = fma(exp(dt[t][h] * A[h]), H[p][n],
//                 (dt[t][h] * x[t][h][p]) * B[t][g][n])
//   y[t][h][p] = fma(D[h], x[t][h][p], sum over n ascending of C[t][g][n] *
//                H[p][n])
// exp(dt A) is Decay(dt, A log2(e)) of kernels/element_functions.h; the sum is
// a chain of fma from +0. x, y: {rows, heads * head_dim}; dt (after softplus):
// {rows, heads}; b, c: {rows, groups * states}. States are StateFloats() long,
// float32. y may be x.
void SsdScan(const SsdWeights& weights, std::span<const StateRun> runs,
             ConstRows x, ConstRows dt, ConstRows b, ConstRows c, Rows y,
             ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_SSD_SCAN_H_
