// Rows of heads, seen as one row per head.
#ifndef BRAID_SRC_NN_HEADS_H_
#define BRAID_SRC_NN_HEADS_H_

#include "base/check.h"
#include "nn/norm.h"
#include "ops/compute.h"
#include "tensor/rows.h"

namespace braid::nn {

// Dense rows {rows, n * stride} as {rows * n, dim}: of every `stride` channels
// the first `dim` from `begin` on.
inline Rows HeadsAsRows(Rows x, int64_t stride, int64_t begin, int64_t dim) {
  BRAID_CHECK(x.stride == x.width && x.width % stride == 0);
  return {x.data + begin, x.rows * (x.width / stride), dim, stride};
}

// Dense rows {rows, n * stride} -> {rows, n * dim}: of every `stride` channels
// the first `dim`, each such head normed on its own.
inline Rows NormHeads(Compute& compute, const RmsNorm& norm, Rows x,
                      int64_t dim, int64_t stride) {
  const Rows y = norm(compute, HeadsAsRows(x, stride, 0, dim));
  const int64_t width = x.width / stride * dim;
  return {y.data, x.rows, width, width};
}

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_HEADS_H_
