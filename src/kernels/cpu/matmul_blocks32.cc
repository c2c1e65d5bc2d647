// Q8_0, Q4_0, Q5_0, IQ4_NL, IQ4_XS, TQ1_0, TQ2_0 and MXFP4.
#include "kernels/cpu/matmul_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_blocks32.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/matmul_family.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
MatMulKernels Blocks32Target(DType type) {
  return FamilyKernels<32, false>(type);
}
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {
HWY_EXPORT(Blocks32Target);
MatMulKernels MatMulBlocks32(DType type) {
  return HWY_DYNAMIC_DISPATCH(Blocks32Target)(type);
}
}  // namespace braid
#endif  // HWY_ONCE
