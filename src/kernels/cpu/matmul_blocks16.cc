// Q3_K and Q6_K.
#include "kernels/cpu/matmul_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_blocks16.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/matmul_family.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
MatMulKernels Blocks16Target(DType type) {
  return FamilyKernels<16, false>(type);
}
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {
HWY_EXPORT(Blocks16Target);
MatMulKernels MatMulBlocks16(DType type) {
  return HWY_DYNAMIC_DISPATCH(Blocks16Target)(type);
}
}  // namespace braid
#endif  // HWY_ONCE
