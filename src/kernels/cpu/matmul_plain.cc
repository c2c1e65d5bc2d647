// F32, F16 and BF16.
#include "kernels/cpu/matmul_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_plain.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/matmul_family.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
MatMulKernels PlainTarget(DType type) { return FamilyKernels<0, false>(type); }
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {
HWY_EXPORT(PlainTarget);
MatMulKernels MatMulPlain(DType type) {
  return HWY_DYNAMIC_DISPATCH(PlainTarget)(type);
}
}  // namespace braid
#endif  // HWY_ONCE
