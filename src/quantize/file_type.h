// FileType: what a user names when quantising ("Q4_K_M"): the format of most
// matrices, and with it which tensors get another (plan.h).
#ifndef BRAID_SRC_QUANTIZE_FILE_TYPE_H_
#define BRAID_SRC_QUANTIZE_FILE_TYPE_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "braid/result.h"
#include "tensor/dtype.h"

namespace braid::quantize {

// The values are those of general.file_type.
enum class FileType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ8_0 = 7,
  kQ5_0 = 8,
  kQ5_1 = 9,
  kQ2_K = 10,
  kQ3_K_S = 11,
  kQ3_K_M = 12,
  kQ3_K_L = 13,
  kQ4_K_S = 14,
  kQ4_K_M = 15,
  kQ5_K_S = 16,
  kQ5_K_M = 17,
  kQ6_K = 18,
  kQ2_K_S = 21,
  kIQ4_NL = 25,
  kIQ4_XS = 30,
  kBF16 = 32,
  kTQ1_0 = 36,
  kTQ2_0 = 37,
};

struct FileTypeInfo {
  std::string_view name;  // "Q4_K_M"
  FileType type;
  DType matrices;  // what no rule changes
};

// Every file type, in the order of help.
std::span<const FileTypeInfo> FileTypes();

const FileTypeInfo& Describe(FileType type);

// By name, in any case, or by number; "Q3_K", "Q4_K" and "Q5_K" mean the _M.
// The error lists the names.
Result<FileType> ParseFileType(std::string_view text);

// A format by name, in any case. The error lists the names.
Result<DType> ParseDType(std::string_view text);

}  // namespace braid::quantize

#endif  // BRAID_SRC_QUANTIZE_FILE_TYPE_H_
