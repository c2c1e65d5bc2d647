// Reads the header of a safetensors file:
//
//   u64 N, then N bytes of JSON {name: {dtype, shape, data_offsets}, ...},
//   then the tensors' bytes; offsets are from their start.
//
// Source: the public description of the format. The header is validated whole
// before any tensor is touched: sizes agree with shapes, and the tensors cover
// the data without holes and without overlaps, as the format demands.
#ifndef BRAID_SRC_CONVERT_SAFETENSORS_H_
#define BRAID_SRC_CONVERT_SAFETENSORS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "braid/result.h"
#include "convert/source_tensor.h"

namespace braid::convert {

// The format's own limit.
inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;

// The tensors of a file that is in memory, in the order of their data; views
// of `file`. Errors name the tensor and both values.
Result<std::vector<SourceTensor>> ParseSafetensors(
    std::span<const std::byte> file);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_SAFETENSORS_H_
