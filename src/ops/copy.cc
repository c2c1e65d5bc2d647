#include "ops/copy.h"

#include "base/check.h"
#include "kernels/copy.h"

namespace braid::ops {

void CopyInto(Compute& compute, ConstRows x, Rows y) {
  BRAID_CHECK(x.rows == y.rows && x.width == y.width);
  braid::CopyRows(x, y, compute.threads);
}

}  // namespace braid::ops
