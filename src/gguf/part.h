// One file of a model: most models are one, split sets are several. This is
// where a file's header is parsed and validated, whole, before any of its data
// is touched.
//
// Source: the public GGUF specification, versions 2 and 3.
#ifndef BRAID_SRC_GGUF_PART_H_
#define BRAID_SRC_GGUF_PART_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "gguf/file.h"
#include "gguf/value.h"

namespace braid::gguf {

inline constexpr char kMagic[4] = {'G', 'G', 'U', 'F'};
inline constexpr uint64_t kDefaultAlignment = 32;
inline constexpr std::string_view kAlignmentKey = "general.alignment";
inline constexpr size_t kMaxDimensions = 4;
// The specification's bound.
inline constexpr size_t kMaxKeyBytes = 65535;
// ggml stores at most 63 bytes, but writers do not check, and converted image
// and speech models go beyond. Braid looks names up and does not care; a bound
// keeps error messages and tables readable.
inline constexpr size_t kMaxTensorNameBytes = 255;

struct Part {
  uint32_t version = 0;
  uint64_t alignment = kDefaultAlignment;
  std::vector<KeyValue> metadata;
  std::vector<TensorInfo> tensors;  // with sizes; `part` is left 0
  uint64_t data_begin = 0;          // the data section, from the file's start
};

// Parses the file that starts with `bytes` and is `file_bytes` long; `bytes`
// must hold the header (all of the file will do) and outlive the result.
//
// Accepted: keys and tensor names of printable ASCII (files in the field use
// capitals, hyphens and spaces against the specification); any integer type
// for general.alignment; bytes after the last tensor. Refused: everything
// else that breaks the format, and tensors that overlap.
Result<Part> ReadPart(std::span<const std::byte> bytes, uint64_t file_bytes);

// The value of general.alignment, or the default. Errors: it is no integer, or
// not a positive 32-bit multiple of 8.
Result<uint64_t> ReadAlignment(std::span<const KeyValue> metadata);

// `value` rounded up to a multiple of `alignment` > 0. The sum must fit.
constexpr uint64_t RoundUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_PART_H_
