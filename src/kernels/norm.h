// Root-mean-square norm (Zhang and Sennrich, 2019, eq. 4).
#ifndef BRAID_SRC_KERNELS_NORM_H_
#define BRAID_SRC_KERNELS_NORM_H_

#include "base/thread_pool.h"
#include "tensor/rows.h"

namespace braid {

// y[m] = x[m] / sqrt(mean(x[m]^2) + epsilon) * weight, row by row.
// The sum of squares uses 16 virtual lanes (lane i takes elements i, i + 16,
// ... in order) and one tree 8-4-2-1; the division and the root are exact IEEE
// operations. `weight` has x.width elements or is null (all ones). y may be x.
void RmsNorm(ConstRows x, const float* weight, float epsilon, Rows y,
             ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_NORM_H_
