#include "kernels/cpu/matmul_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/matmul_kernels.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/matmul_few.h"
#include "kernels/cpu/matmul_many.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {

MatMulShape TileShapeTarget() {
  return {kFewRows, kFewRowsGroups[0], kTileRows, kTileGroups};
}

size_t ManyRowsScratchTarget(int64_t rows) {
  const size_t padded = static_cast<size_t>(rows) + kTileRows;
  return kPanelFloats + 2 * kScaleFloats + padded * kTileGroups * 16;
}

}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(TileShapeTarget);
HWY_EXPORT(ManyRowsScratchTarget);

namespace {

MatMulKernels KernelsFor(DType type) {
  return VisitFormat(type, [type](auto format) {
    using Layout = Packed<decltype(format)>;
    if constexpr (Layout::kScaledInputs == 0) {
      return MatMulPlain(type);
    } else if constexpr (Layout::kScaledInputs == 16) {
      return Layout::kHasOffset ? MatMulBlocks16Offset(type)
                                : MatMulBlocks16(type);
    } else {
      return Layout::kHasOffset ? MatMulBlocks32Offset(type)
                                : MatMulBlocks32(type);
    }
  });
}

}  // namespace

MatMulShape MatMulTileShape() {
  return HWY_DYNAMIC_DISPATCH(TileShapeTarget)();
}

void MatMulFewRows(const FewRowsWork& work) {
  KernelsFor(work.w.type).few_rows(work);
}

void MatMulManyRows(const ManyRowsWork& work) {
  KernelsFor(work.w.type).many_rows(work);
}

size_t ManyRowsScratch(int64_t rows) {
  return HWY_DYNAMIC_DISPATCH(ManyRowsScratchTarget)(rows);
}

int MatMulTileHeight(int rows, int tile_rows) {
  return rows == 1 ? 1 : rows == 2 ? 2 : rows <= 4 ? 4 : tile_rows;
}

void MatMulPackRows(const float* x, int64_t stride, int rows, int height,
                    int64_t inputs, float* tile) {
  for (int64_t k = 0; k < inputs; ++k) {
    for (int r = 0; r < height; ++r) {
      tile[k * height + r] = r < rows ? x[r * stride + k] : 0.0f;
    }
  }
}

void MatMulSumBlocks(const float* tile, int height, int64_t inputs,
                     int64_t block_inputs, float* sums) {
  for (int64_t block = 0; block < inputs / block_inputs; ++block) {
    for (int r = 0; r < height; ++r) {
      float sum = 0;
      for (int64_t k = block * block_inputs; k < (block + 1) * block_inputs;
           ++k) {
        sum += tile[k * height + r];
      }
      sums[block * height + r] = sum;
    }
  }
}

}  // namespace braid
#endif  // HWY_ONCE
