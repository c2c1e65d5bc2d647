#include "convert/safetensors.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/byte_reader.h"
#include "base/format.h"
#include "base/try.h"
#include "json/json.h"

namespace braid::convert {

namespace {

struct StoredType {
  std::string_view name;
  uint64_t bytes;
  std::optional<DType> type;
};
constexpr StoredType kStoredTypes[] = {
    {"F32", 4, DType::kF32},      {"F16", 2, DType::kF16},
    {"BF16", 2, DType::kBF16},    {"F64", 8, std::nullopt},
    {"I64", 8, std::nullopt},     {"U64", 8, std::nullopt},
    {"C64", 8, std::nullopt},     {"I32", 4, std::nullopt},
    {"U32", 4, std::nullopt},     {"I16", 2, std::nullopt},
    {"U16", 2, std::nullopt},     {"I8", 1, std::nullopt},
    {"U8", 1, std::nullopt},      {"BOOL", 1, std::nullopt},
    {"F8_E5M2", 1, std::nullopt}, {"F8_E4M3", 1, std::nullopt},
};

const StoredType* FindStoredType(std::string_view name) {
  const auto* found = std::ranges::find(kStoredTypes, name, &StoredType::name);
  return found == std::end(kStoredTypes) ? nullptr : found;
}

// The product of the dimensions and the element's size, in 63 bits.
std::optional<uint64_t> ByteCount(const Shape& shape, uint64_t element) {
  uint64_t bytes = element;
  for (const int64_t size : shape) {
    uint64_t product = 0;
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &product) ||
        product > std::numeric_limits<int64_t>::max()) {
      return std::nullopt;
    }
    bytes = product;
  }
  return bytes;
}

// Numbers in [0, 2^63).
std::optional<std::vector<int64_t>> Sizes(const Json& array) {
  if (!array.IsArray()) return std::nullopt;
  std::vector<int64_t> sizes;
  for (const Json& element : array.Elements()) {
    const std::optional<int64_t> size = element.Int();
    if (!size || *size < 0) return std::nullopt;
    sizes.push_back(*size);
  }
  return sizes;
}

Result<SourceTensor> ParseEntry(const Json::Member& entry,
                                std::span<const std::byte> data) {
  const auto& [name, value] = entry;
  const std::string* stored = value["dtype"].Text();
  const StoredType* type =
      stored == nullptr ? nullptr : FindStoredType(*stored);
  if (type == nullptr) {
    return Error{Format("{}: dtype {} is not known", name,
                        stored == nullptr ? "missing" : *stored)};
  }
  const auto shape = Sizes(value["shape"]);
  if (!shape) return Error{Format("{}: shape is not a list of sizes", name)};
  const auto offsets = Sizes(value["data_offsets"]);
  if (!offsets || offsets->size() != 2) {
    return Error{Format("{}: data_offsets are not two offsets", name)};
  }
  const auto begin = static_cast<uint64_t>((*offsets)[0]);
  const auto end = static_cast<uint64_t>((*offsets)[1]);
  if (begin > end || end > data.size()) {
    return Error{
        Format("{}: data_offsets {} to {}, the file has {} bytes of "
               "data",
               name, begin, end, data.size())};
  }
  const std::optional<uint64_t> bytes = ByteCount(*shape, type->bytes);
  if (!bytes || *bytes != end - begin) {
    return Error{Format("{}: {} bytes of data, its shape and type need {}",
                        name, end - begin,
                        bytes ? Format("{}", *bytes) : "more than fit")};
  }
  return SourceTensor{.name = name,
                      .stored = *stored,
                      .type = type->type,
                      .shape = *shape,
                      .bytes = data.subspan(begin, end - begin)};
}

// The tensors are in the order of their data.
Status CheckCover(std::span<const SourceTensor> tensors,
                  std::span<const std::byte> data) {
  const std::byte* end = data.data();
  for (const SourceTensor& tensor : tensors) {
    if (tensor.bytes.data() != end) {
      return Error{Format(
          "{}: data begins at {}, that of the tensor before "
          "it ends at {}",
          tensor.name, tensor.bytes.data() - data.data(), end - data.data())};
    }
    end += tensor.bytes.size();
  }
  if (end != data.data() + data.size()) {
    return Error{Format("{} bytes of data, the tensors have {}", data.size(),
                        end - data.data())};
  }
  return {};
}

}  // namespace

Result<std::vector<SourceTensor>> ParseSafetensors(
    std::span<const std::byte> file) {
  ByteReader reader(file);
  BRAID_ASSIGN(const uint64_t header_bytes, reader.Read<uint64_t>());
  if (header_bytes > kMaxSafetensorsHeader) {
    return Error{Format("header of {} bytes; the format allows {}",
                        header_bytes, kMaxSafetensorsHeader)};
  }
  BRAID_ASSIGN(const auto header, reader.ReadBytes(header_bytes));
  BRAID_ASSIGN(const auto data, reader.ReadBytes(reader.left()));
  BRAID_ASSIGN(const Json root,
               Json::Parse({reinterpret_cast<const char*>(header.data()),
                            header.size()}));
  if (!root.IsObject()) return Error{"the header is not an object"};

  std::vector<SourceTensor> tensors;
  std::unordered_set<std::string_view> names;
  for (const Json::Member& entry : root.Members()) {
    if (entry.first == "__metadata__") continue;
    if (!names.insert(entry.first).second) {
      return Error{Format("{}: is in the header twice", entry.first)};
    }
    BRAID_ASSIGN(SourceTensor tensor, ParseEntry(entry, data));
    tensors.push_back(std::move(tensor));
  }
  // Empty tensors first: they end where they begin.
  std::ranges::sort(tensors, {}, [](const SourceTensor& tensor) {
    return std::pair(tensor.bytes.data(), tensor.bytes.size());
  });
  BRAID_TRY(CheckCover(tensors, data));
  return tensors;
}

}  // namespace braid::convert
