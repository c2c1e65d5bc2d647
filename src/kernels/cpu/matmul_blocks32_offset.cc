// Q4_1, Q5_1, Q4_K and Q5_K.
#include "kernels/cpu/matmul_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_blocks32_offset.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/matmul_family.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
MatMulKernels Blocks32OffsetTarget(DType type) {
  return FamilyKernels<32, true>(type);
}
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {
HWY_EXPORT(Blocks32OffsetTarget);
MatMulKernels MatMulBlocks32Offset(DType type) {
  return HWY_DYNAMIC_DISPATCH(Blocks32OffsetTarget)(type);
}
}  // namespace braid
#endif  // HWY_ONCE
