#include "quantize/file_type.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/format.h"
#include "tensor/formats.h"

namespace braid::quantize {

namespace {

constexpr FileTypeInfo kFileTypes[] = {
    {"F32", FileType::kF32, DType::kF32},
    {"F16", FileType::kF16, DType::kF16},
    {"BF16", FileType::kBF16, DType::kBF16},
    {"Q8_0", FileType::kQ8_0, DType::kQ8_0},
    {"Q4_0", FileType::kQ4_0, DType::kQ4_0},
    {"Q4_1", FileType::kQ4_1, DType::kQ4_1},
    {"Q5_0", FileType::kQ5_0, DType::kQ5_0},
    {"Q5_1", FileType::kQ5_1, DType::kQ5_1},
    {"Q2_K", FileType::kQ2_K, DType::kQ2_K},
    {"Q2_K_S", FileType::kQ2_K_S, DType::kQ2_K},
    {"Q3_K_S", FileType::kQ3_K_S, DType::kQ3_K},
    {"Q3_K_M", FileType::kQ3_K_M, DType::kQ3_K},
    {"Q3_K_L", FileType::kQ3_K_L, DType::kQ3_K},
    {"Q4_K_S", FileType::kQ4_K_S, DType::kQ4_K},
    {"Q4_K_M", FileType::kQ4_K_M, DType::kQ4_K},
    {"Q5_K_S", FileType::kQ5_K_S, DType::kQ5_K},
    {"Q5_K_M", FileType::kQ5_K_M, DType::kQ5_K},
    {"Q6_K", FileType::kQ6_K, DType::kQ6_K},
    {"IQ4_NL", FileType::kIQ4_NL, DType::kIQ4_NL},
    {"IQ4_XS", FileType::kIQ4_XS, DType::kIQ4_XS},
    {"TQ1_0", FileType::kTQ1_0, DType::kTQ1_0},
    {"TQ2_0", FileType::kTQ2_0, DType::kTQ2_0},
};

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

}  // namespace

std::span<const FileTypeInfo> FileTypes() { return kFileTypes; }

const FileTypeInfo& Describe(FileType type) {
  const auto* found = std::ranges::find(kFileTypes, type, &FileTypeInfo::type);
  BRAID_CHECK(found != std::end(kFileTypes));
  return *found;
}

Result<FileType> ParseFileType(std::string_view text) {
  std::string name = Upper(text);
  if (name == "Q3_K" || name == "Q4_K" || name == "Q5_K") name += "_M";
  std::string known;
  for (const FileTypeInfo& info : kFileTypes) {
    if (name == info.name) return info.type;
    if (name == Format("{}", static_cast<uint32_t>(info.type))) {
      return info.type;
    }
    known += Format("{}{}", known.empty() ? "" : ", ", info.name);
  }
  return Error{Format("'{}' is none of {}", text, known)};
}

Result<DType> ParseDType(std::string_view text) {
  const std::string name = Upper(text);
  std::string known;
  for (const DType type : kAllDTypes) {
    if (name == Name(type)) return type;
    known += Format("{}{}", known.empty() ? "" : ", ", Name(type));
  }
  return Error{Format("'{}' is none of {}", text, known)};
}

}  // namespace braid::quantize
