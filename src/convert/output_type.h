// Which storage format each tensor of a converted file gets.
#ifndef BRAID_SRC_CONVERT_OUTPUT_TYPE_H_
#define BRAID_SRC_CONVERT_OUTPUT_TYPE_H_

#include <optional>
#include <span>
#include <string_view>

#include "convert/source_tensor.h"
#include "tensor/dtype.h"

namespace braid::convert {

// What a user asks for; kAuto: the type of the checkpoint's first matrix.
enum class OutputType { kAuto, kF32, kF16, kBF16, kQ8_0 };

// The format of matrices. With kAuto and no matrix: F32.
DType MatrixType(OutputType wanted, std::span<const SourceTensor> tensors);

// The format of one tensor of the file. Matrices get `matrix_type`. F32 stays
// what is small, or read by kernels that know nothing else: vectors, norms,
// routers, positions, convolutions, and what has no ".weight" at its end. A row
// that is not whole blocks of Q8_0 becomes F16.
DType TensorType(std::string_view name, const Shape& shape, DType matrix_type);

// general.file_type of a file whose matrices have this format.
int FileType(DType matrix_type);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_OUTPUT_TYPE_H_
