#include "tensor/dtype.h"

#include <string>

#include "base/check.h"
#include "base/format.h"
#include "tensor/formats.h"

namespace braid {

Result<DType> DTypeFromId(uint32_t id) {
  std::string supported;
  for (const DType type : kAllDTypes) {
    if (static_cast<uint32_t>(type) == id) return type;
    if (!supported.empty()) supported += ", ";
    supported += Format("{} ({})", Name(type), static_cast<uint32_t>(type));
  }
  return Error{Format("tensor type {} is not supported; supported are {}", id,
                      supported)};
}

std::string_view Name(DType type) {
  return VisitFormat(type, [](auto format) -> std::string_view {
    return decltype(format)::kName;
  });
}

int64_t BlockElements(DType type) {
  return VisitFormat(
      type, [](auto format) -> int64_t { return decltype(format)::kElements; });
}

size_t BlockBytes(DType type) {
  return VisitFormat(type, [](auto format) {
    return sizeof(typename decltype(format)::Block);
  });
}

size_t RowBytes(DType type, int64_t elements) {
  const int64_t block = BlockElements(type);
  BRAID_CHECK(elements >= 0 && elements % block == 0);
  return static_cast<size_t>(elements / block) * BlockBytes(type);
}

}  // namespace braid
