// What the vector kernels of the matrix product offer to kernels/matmul.cc,
// which splits the work and owns the scratch. A call computes whole outputs;
// none allocates.
#ifndef BRAID_SRC_KERNELS_CPU_MATMUL_KERNELS_H_
#define BRAID_SRC_KERNELS_CPU_MATMUL_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace braid {

// The tile shapes of the vector target in use.
struct MatMulShape {
  int few_rows;         // most rows of the few-row kernel
  int few_rows_groups;  // groups that the few-row kernel likes to have at once
  int tile_rows;        // rows of a tile of the many-row kernel
  int tile_groups;      // its groups of 16 outputs
};
MatMulShape MatMulTileShape();

// The rows that both kernels read are transposed, a tile of `height` rows as
// [inputs][height]; what lies beyond the last row is zero. `sums` holds the
// in-order sums of blocks of kScaledInputs inputs (matmul_formats.h), for
// formats with an offset: [inputs / kScaledInputs][height]; otherwise it is not
// read.
//
// A tile with `rows` valid rows has the smallest height that is 1, 2, 4 or
// `tile_rows` (for the few-row kernel: `few_rows`).
int MatMulTileHeight(int rows, int tile_rows);

// A range of groups of packed weights, and where their outputs go.
struct MatMulWeights {
  DType type;
  const std::byte* groups;  // the first group
  size_t group_bytes;
  int64_t inputs;
  int64_t outputs;  // of this range; the last group may be ragged
};

struct FewRowsWork {
  MatMulWeights w;
  int rows;        // 1 to few_rows
  const float* x;  // one tile
  const float* sums;
  float* y;  // row 0, the range's first output
  int64_t y_stride;
};
void MatMulFewRows(const FewRowsWork& work);

struct ManyRowsWork {
  MatMulWeights w;
  int64_t rows;    // any number; all tiles but the last are full
  const float* x;  // tile t at t * tile_rows * inputs
  const float* sums;
  float* y;
  int64_t y_stride;
  float* scratch;  // ManyRowsScratch(rows) floats, 64-byte aligned
};
size_t ManyRowsScratch(int64_t rows);
void MatMulManyRows(const ManyRowsWork& work);

// Both kernels of a format, for the vector target in use. A file per family of
// formats (matmul_family.h); kernels/matmul.cc needs only the two above.
struct MatMulKernels {
  void (*few_rows)(const FewRowsWork& work);
  void (*many_rows)(const ManyRowsWork& work);
};
MatMulKernels MatMulPlain(DType type);
MatMulKernels MatMulBlocks16(DType type);
MatMulKernels MatMulBlocks16Offset(DType type);
MatMulKernels MatMulBlocks32(DType type);
MatMulKernels MatMulBlocks32Offset(DType type);

// Transposes `rows` rows, `stride` floats apart, into a tile.
void MatMulPackRows(const float* x, int64_t stride, int rows, int height,
                    int64_t inputs, float* tile);
// The sums of a tile, over blocks of `block_inputs`.
void MatMulSumBlocks(const float* tile, int height, int64_t inputs,
                     int64_t block_inputs, float* sums);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_CPU_MATMUL_KERNELS_H_
