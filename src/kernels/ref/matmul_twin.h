// The matrix product written to be read: what the vector kernels must equal.
#ifndef BRAID_SRC_KERNELS_REF_MATMUL_TWIN_H_
#define BRAID_SRC_KERNELS_REF_MATMUL_TWIN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/ref/oracle_value.h"
#include "tensor/dtype.h"
#include "tensor/rows.h"

namespace braid {

// The scalar twin of MatMul: the numeric definitions of matmul_formats.h, one
// output after the other, straight from `outputs` stored GGUF rows of `inputs`
// weights. Equal bits if the calling thread holds a FloatGuard.
void MatMulTwin(DType type, const std::byte* rows, int64_t inputs,
                int64_t outputs, ConstRows x, Rows y);

// The double-precision oracle, [x.rows][outputs], for finite weights and
// inputs; w is what DecodeRow gives, in exact arithmetic.
std::vector<OracleValue> MatMulOracle(DType type, const std::byte* rows,
                                      int64_t inputs, int64_t outputs,
                                      ConstRows x);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_MATMUL_TWIN_H_
