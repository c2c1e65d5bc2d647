// Q2_K.
#include "kernels/cpu/matmul_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_blocks16_offset.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/matmul_family.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
MatMulKernels Blocks16OffsetTarget(DType type) {
  return FamilyKernels<16, true>(type);
}
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {
HWY_EXPORT(Blocks16OffsetTarget);
MatMulKernels MatMulBlocks16Offset(DType type) {
  return HWY_DYNAMIC_DISPATCH(Blocks16OffsetTarget)(type);
}
}  // namespace braid
#endif  // HWY_ONCE
