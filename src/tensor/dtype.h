// DType: the storage formats of weights that Braid computes with.
#ifndef BRAID_SRC_TENSOR_DTYPE_H_
#define BRAID_SRC_TENSOR_DTYPE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "braid/result.h"

namespace braid {

// The values are the type ids of the GGUF container.
enum class DType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ4_NL = 20,
  kIQ4_XS = 23,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
};

// The DType with GGUF id `id`, or an error that names the type and lists the
// supported ones.
Result<DType> DTypeFromId(uint32_t id);

std::string_view Name(DType type);
// Consecutive elements of a row that share one block; 1 for plain floats.
int64_t BlockElements(DType type);
size_t BlockBytes(DType type);
// Bytes of a row of `elements`, which must be a multiple of BlockElements.
size_t RowBytes(DType type, int64_t elements);

}  // namespace braid

#endif  // BRAID_SRC_TENSOR_DTYPE_H_
