// The tensor types of the container: what a number in the tensor table means,
// and how many bytes a tensor of it takes. Known here are all types of the
// format, also those that Braid cannot compute with.
//
// Source: the public GGUF specification and ggml's list of types (2026).
#ifndef BRAID_SRC_GGUF_TENSOR_TYPE_H_
#define BRAID_SRC_GGUF_TENSOR_TYPE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "braid/result.h"

namespace braid::gguf {

// Ids as they stand in files; plain integers, because a file may hold any.
struct TensorTypeId {
  enum : uint32_t {
    kF32 = 0,
    kF16 = 1,
    kQ4_0 = 2,
    kQ4_1 = 3,
    kQ5_0 = 6,
    kQ5_1 = 7,
    kQ8_0 = 8,
    kQ8_1 = 9,
    kQ2_K = 10,
    kQ3_K = 11,
    kQ4_K = 12,
    kQ5_K = 13,
    kQ6_K = 14,
    kQ8_K = 15,
    kIQ2_XXS = 16,
    kIQ2_XS = 17,
    kIQ3_XXS = 18,
    kIQ1_S = 19,
    kIQ4_NL = 20,
    kIQ3_S = 21,
    kIQ2_S = 22,
    kIQ4_XS = 23,
    kI8 = 24,
    kI16 = 25,
    kI32 = 26,
    kI64 = 27,
    kF64 = 28,
    kIQ1_M = 29,
    kBF16 = 30,
    kTQ1_0 = 34,
    kTQ2_0 = 35,
    kMXFP4 = 39,
    kNVFP4 = 40,
    kQ1_0 = 41,
    kQ2_0 = 42,
    kCount = 43,  // ids at and above it are unknown
  };
};

// Consecutive elements of dimension 0 are stored in blocks; a plain number is
// a block of one.
struct TensorType {
  std::string_view name;        // "Q4_K"
  uint32_t block_elements = 0;  // 0: this id was removed from the format
  uint32_t block_bytes = 0;
};

// nullptr if `id` is unknown or was removed.
const TensorType* FindTensorType(uint32_t id);

// "Q4_K", "Q4_2 (removed from the format)", "unknown type 77".
std::string TensorTypeText(uint32_t id);

// "{4096, 32}".
std::string ShapeText(std::span<const uint64_t> shape);

// The product of the dimensions. Errors: a dimension is 0, the product does
// not fit 63 bits (signed indices must reach every element).
Result<uint64_t> ElementCount(std::span<const uint64_t> shape);

// Bytes of a tensor without padding. Errors: those of ElementCount; unknown
// or removed type; dimension 0 is not a multiple of the block; the size does
// not fit 63 bits.
Result<uint64_t> TensorBytes(uint32_t type, std::span<const uint64_t> shape);

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_TENSOR_TYPE_H_
