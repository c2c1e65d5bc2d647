// Copies of activations, where a kernel wants its inputs side by side.
#ifndef BRAID_SRC_OPS_COPY_H_
#define BRAID_SRC_OPS_COPY_H_

#include "ops/compute.h"

namespace braid::ops {

// x into rows that are there, which may be columns of wider ones.
void CopyInto(Compute& compute, ConstRows x, Rows y);

}  // namespace braid::ops

#endif  // BRAID_SRC_OPS_COPY_H_
