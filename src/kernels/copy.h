// Copies of rows, where a product wants its inputs side by side.
#ifndef BRAID_SRC_KERNELS_COPY_H_
#define BRAID_SRC_KERNELS_COPY_H_

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "tensor/rows.h"

namespace braid {

// y = x. Same shapes, any strides; they must not overlap.
void CopyRows(ConstRows x, Rows y, ThreadPool& threads);

// y[i] = x[sources[i]] for the y.rows entries of `sources`.
void GatherRows(ConstRows x, std::span<const int32_t> sources, Rows y,
                ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_COPY_H_
