// Matrix product y = x W^T over every weight format.
//
// The bits of y[m][n] depend on row n of W and row m of x alone: not on the
// number of rows, the tile, the thread or the vector width. One accumulator per
// output walks k in order; the numeric definition of each format stands beside
// its kernel codec in kernels/matmul_formats.h and is the same in the few-row
// path (decoded in registers) and the many-row path (decoded into a panel).
#ifndef BRAID_SRC_KERNELS_MATMUL_H_
#define BRAID_SRC_KERNELS_MATMUL_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/arena.h"
#include "base/huge_blocks.h"
#include "base/thread_pool.h"
#include "tensor/dtype.h"
#include "tensor/rows.h"

namespace braid {

// Weights in the order in which the kernels read them: groups of 16 outputs,
// k ascending, the outputs of a group interleaved so that they are the lanes
// of a vector. A last group that is not full is padded with zeros.
// Immutable after Pack; copies share the weights. May be used from any thread.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  // `rows` holds `outputs` rows of `inputs` weights each, stored as in GGUF
  // (row n at rows + n * RowBytes(type, inputs)). `inputs` must be a multiple
  // of BlockElements(type); any number of outputs >= 1. `blocks` has the
  // memory.
  static PackedMatrix Pack(DType type, const std::byte* rows, int64_t inputs,
                           int64_t outputs, HugeBlocks& blocks,
                           ThreadPool& threads);
  // A matrix without memory behind it, which can be measured and not used.
  static PackedMatrix WithoutData(DType type, int64_t inputs, int64_t outputs);

  DType type() const { return type_; }
  int64_t inputs() const { return inputs_; }
  int64_t outputs() const { return outputs_; }
  const std::byte* data() const { return data_.get(); }
  size_t bytes() const { return bytes_; }
  // Outputs [16 g, 16 g + 16) start at data() + g * group_bytes().
  size_t group_bytes() const { return group_bytes_; }

 private:
  DType type_ = DType::kF32;
  int64_t inputs_ = 0;
  int64_t outputs_ = 0;
  size_t group_bytes_ = 0;
  size_t bytes_ = 0;
  std::shared_ptr<std::byte> data_;
};

// y[m][n] = sum over k of w[n][k] * x[m][k].
// x: {rows, w.inputs()}, y: {rows, w.outputs()}; y must not overlap x.
// Scratch comes from `arena` and is given back. The calling thread holds a
// FloatGuard, as the pool's threads do: with denormals the bits depend on it.
// More rows never need less scratch.
void MatMul(const PackedMatrix& w, ConstRows x, Rows y, Arena& arena,
            ThreadPool& threads);
// Takes the scratch of a product with `rows` rows from the arena and gives it
// back: where the rows that a matrix gets are decided by what is computed, a
// pass must not need more than one before it that was as large.
void ReserveMatMul(const PackedMatrix& w, int64_t rows, Arena& arena,
                   ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_MATMUL_H_
