// Products and mixtures of rows, element by element. An operand that is one row
// for all has stride 0.
#ifndef BRAID_SRC_KERNELS_MIX_H_
#define BRAID_SRC_KERNELS_MIX_H_

#include "base/thread_pool.h"
#include "tensor/rows.h"

namespace braid {

// All {rows, width}; y may be any of the inputs.

// y = a * b.
void Multiply(ConstRows a, ConstRows b, Rows y, ThreadPool& threads);

// y = fma(a, b, c).
void MultiplyAdd(ConstRows a, ConstRows b, ConstRows c, Rows y,
                 ThreadPool& threads);

// y = x * factors, every row by its own: factors {rows, 1}.
void ScaleRows(ConstRows x, ConstRows factors, Rows y, ThreadPool& threads);

// From a to b by t: y = fma(t, b - a, a).
void Lerp(ConstRows a, ConstRows b, ConstRows t, Rows y, ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_MIX_H_
