// Compute: where an operation takes its scratch and its threads from.
#ifndef BRAID_SRC_OPS_COMPUTE_H_
#define BRAID_SRC_OPS_COMPUTE_H_

#include "base/arena.h"
#include "base/thread_pool.h"
#include "tensor/rows.h"

namespace braid {

class InputObserver;

// Passed down by reference; nothing is ambient.
struct Compute {
  Arena& arena;
  ThreadPool& threads;
  InputObserver* observer = nullptr;  // of matrix products

  // Dense rows from the arena, not initialised.
  Rows NewRows(int64_t rows, int64_t width) {
    return {arena.Allocate<float>(static_cast<size_t>(rows * width)), rows,
            width, width};
  }
};

}  // namespace braid

#endif  // BRAID_SRC_OPS_COMPUTE_H_
