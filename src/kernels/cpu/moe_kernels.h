// What the vector side of the mixture of experts offers to kernels/moe.cc.
#ifndef BRAID_SRC_KERNELS_CPU_MOE_KERNELS_H_
#define BRAID_SRC_KERNELS_CPU_MOE_KERNELS_H_

#include "base/thread_pool.h"
#include "tensor/rows.h"

namespace braid {

// y = 1 / (1 + Exp(-x)). y may be x.
void GateSigmoid(ConstRows x, Rows y, ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_CPU_MOE_KERNELS_H_
