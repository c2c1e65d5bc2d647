// SourceTensor: a tensor as a Hugging Face checkpoint stores it.
#ifndef BRAID_SRC_CONVERT_SOURCE_TENSOR_H_
#define BRAID_SRC_CONVERT_SOURCE_TENSOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tensor/dtype.h"

namespace braid::convert {

// Dimensions in PyTorch's order: the last is contiguous. GGUF has the reverse.
using Shape = std::vector<int64_t>;

struct SourceTensor {
  std::string name;
  std::string stored;         // the file's word for the type: "BF16", "I64"
  std::optional<DType> type;  // F32, F16 or BF16; absent: not a weight
  Shape shape;
  std::span<const std::byte> bytes;  // mapped, read-only
  size_t file = 0;                   // which file of the checkpoint holds it
};

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_SOURCE_TENSOR_H_
