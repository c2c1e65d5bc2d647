// Norms of rows: root-mean-square (Zhang and Sennrich, 2019, eq. 4) and layer
// norm (Ba et al., 2016, eq. 3 and 4).
#ifndef BRAID_SRC_KERNELS_NORM_H_
#define BRAID_SRC_KERNELS_NORM_H_

#include "base/thread_pool.h"
#include "tensor/rows.h"

namespace braid {

// y[m] = x[m] / sqrt(mean(x[m]^2) + epsilon) * weight, row by row.
// Numeric definition: sum by lane = fma(x, x, lane) over 16 virtual lanes and
// the tree (kernels/element_functions.h); scale = 1 / sqrt(sum / width +
// epsilon) in IEEE divisions and root; y = (x * scale) * weight. `weight` has
// x.width elements or is null (all ones). y may be x.
void RmsNorm(ConstRows x, const float* weight, float epsilon, Rows y,
             ThreadPool& threads);

// y[m] = (x[m] - mean(x[m])) / sqrt(variance(x[m]) + epsilon) * weight + bias,
// row by row; the variance is divided by the width.
// Numeric definition: mean = sum / width, the sum over 16 virtual lanes and the
// tree; d = x - mean; variance = sum / width, lane = fma(d, d, lane); scale = 1
// / sqrt(variance + epsilon); y = fma(d * scale, weight, bias). `weight` and
// `bias` have x.width elements or are null (all ones; nothing is added). y may
// be x.
void LayerNorm(ConstRows x, const float* weight, const float* bias,
               float epsilon, Rows y, ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_NORM_H_
