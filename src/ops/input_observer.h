// InputObserver: sees what matrices are multiplied with.
#ifndef BRAID_SRC_OPS_INPUT_OBSERVER_H_
#define BRAID_SRC_OPS_INPUT_OBSERVER_H_

#include <string>

#include "base/thread_pool.h"
#include "kernels/matmul.h"
#include "tensor/rows.h"

namespace braid {

// Reached by way of Compute, which has none by default; a product then costs
// one comparison more than without observers.
class InputObserver {
 public:
  virtual ~InputObserver() = default;

  // x, {rows, w.inputs()}, is about to be multiplied with w, in the order of
  // the rows. Called by the thread that computes, which may use `threads`.
  virtual void Observe(const PackedMatrix& w, ConstRows x,
                       ThreadPool& threads) = 0;
  // The same for `tensor`, by its whole name, which the model multiplies piece
  // by piece with something else than its formula does; x is what the formula
  // multiplies it with.
  virtual void ObserveTensor(const std::string& tensor, ConstRows x,
                             ThreadPool& threads) = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_OPS_INPUT_OBSERVER_H_
