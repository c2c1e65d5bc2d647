// The kernels of a family of formats: those with the same kScaledInputs and
// kHasOffset (matmul_formats.h), which share the tiles of the many-row kernel.
// Each family has a file of its own, because together they take a minute to
// compile. Read once per vector target.
#include "kernels/cpu/matmul_few.h"
#include "kernels/cpu/matmul_many.h"

#if defined(BRAID_SRC_KERNELS_CPU_MATMUL_FAMILY_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef BRAID_SRC_KERNELS_CPU_MATMUL_FAMILY_H_
#undef BRAID_SRC_KERNELS_CPU_MATMUL_FAMILY_H_
#else
#define BRAID_SRC_KERNELS_CPU_MATMUL_FAMILY_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {

// Which format's kernels multiply the packed weights of a format.
template <class Format>
struct KernelsOf {
  using type = Format;
};
template <>
struct KernelsOf<FormatTQ1_0> {
  using type = FormatTQ2_0;
};

// `type` must belong to the family.
template <int kScaledInputs, bool kHasOffset>
MatMulKernels FamilyKernels(DType type) {
  return VisitFormat(type, [](auto format) {
    using Format = typename KernelsOf<decltype(format)>::type;
    using Layout = Packed<Format>;
    MatMulKernels kernels = {};
    if constexpr (Layout::kScaledInputs == kScaledInputs &&
                  Layout::kHasOffset == kHasOffset) {
      kernels = {&FewRows<Format>, &ManyRows<Format>};
    }
    return kernels;
  });
}

}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BRAID_SRC_KERNELS_CPU_MATMUL_FAMILY_H_
