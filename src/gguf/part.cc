#include "gguf/part.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/byte_reader.h"
#include "base/format.h"
#include "base/try.h"
#include "gguf/conversion.h"
#include "gguf/name_index.h"
#include "gguf/tensor_type.h"
#include "gguf/value_reader.h"

namespace braid::gguf {

namespace {

constexpr uint64_t kHeaderBytes = 4 + 4 + 8 + 8;  // magic, version, counts
// The least that an entry can take in a file, to bound the counts.
constexpr uint64_t kLeastKeyValueBytes = 8 + 1 + 4 + 1;  // key, type, value
constexpr uint64_t kLeastTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;

Error Within(std::string_view context, const Error& error) {
  return Error{Format("{}: {}", context, error.message)};
}

Status CheckMagic(std::span<const std::byte> magic) {
  if (std::memcmp(magic.data(), kMagic, sizeof kMagic) == 0) return {};
  return Error{
      Format("not a GGUF file: starts with {}, expected \"GGUF\"",
             Quoted({reinterpret_cast<const char*>(magic.data()), 4}, 4))};
}

Status CheckVersion(uint32_t version) {
  if (version == 2 || version == 3) return {};
  if (version == 1) {
    return Error{
        "GGUF version 1 (32-bit counts) is not supported, only "
        "versions 2 and 3; convert the model again"};
  }
  const uint32_t swapped = __builtin_bswap32(version);
  if (swapped >= 1 && swapped <= 3) {
    return Error{
        Format("the file is big-endian (GGUF version {} with its "
               "bytes swapped); only little-endian is supported",
               swapped)};
  }
  return Error{Format("GGUF version {} is not supported, only versions 2 and 3",
                      version)};
}

// The rules that keys and tensor names share. `place` says which it is.
Status CheckName(std::string_view place, std::string_view name,
                 size_t max_bytes) {
  if (name.empty()) return Error{Format("name of {}: is empty", place)};
  if (name.size() > max_bytes) {
    return Error{Format("name of {}: {} has {} bytes, more than {}", place,
                        Quoted(name, 60), name.size(), max_bytes)};
  }
  const auto printable = [](char c) { return c >= 0x20 && c <= 0x7E; };
  if (!std::all_of(name.begin(), name.end(), printable)) {
    return Error{Format("name of {}: {} is not printable ASCII", place,
                        Quoted(name, 60))};
  }
  return {};
}

class PartReader {
 public:
  PartReader(std::span<const std::byte> bytes, uint64_t file_bytes)
      : reader_(bytes), file_bytes_(file_bytes) {}

  Result<Part> Read() {
    BRAID_TRY(ReadHeader());
    BRAID_TRY(ReadMetadata());
    BRAID_ASSIGN(part_.alignment, ReadAlignment(part_.metadata));
    BRAID_TRY(ReadTensors());
    BRAID_TRY(CheckData());
    return std::move(part_);
  }

 private:
  Status ReadHeader();
  Status ReadMetadata();
  Status ReadTensors();
  Result<TensorInfo> ReadTensor(std::string_view name);
  Status CheckData();
  Status CheckPlace(const TensorInfo& tensor, uint64_t data_bytes) const;
  Status CheckOverlap() const;

  ByteReader reader_;
  uint64_t file_bytes_;
  uint64_t tensor_count_ = 0;
  uint64_t key_count_ = 0;
  Part part_;
};

Status PartReader::ReadHeader() {
  if (reader_.left() < kHeaderBytes) {
    return Error{Format("not a GGUF file: {} bytes, its header alone takes {}",
                        reader_.left(), kHeaderBytes)};
  }
  BRAID_ASSIGN(const auto magic, reader_.ReadBytes(sizeof kMagic));
  BRAID_TRY(CheckMagic(magic));
  BRAID_ASSIGN(part_.version, reader_.Read<uint32_t>());
  BRAID_TRY(CheckVersion(part_.version));
  BRAID_ASSIGN(tensor_count_, reader_.Read<uint64_t>());
  BRAID_ASSIGN(key_count_, reader_.Read<uint64_t>());
  if (key_count_ > reader_.left() / kLeastKeyValueBytes) {
    return Error{Format("header: {} metadata keys, but only {} bytes follow",
                        key_count_, reader_.left())};
  }
  return {};
}

Status PartReader::ReadMetadata() {
  part_.metadata.reserve(static_cast<size_t>(key_count_));
  for (uint64_t i = 0; i < key_count_; ++i) {
    const std::string place = Format("key {} of {}", i + 1, key_count_);
    const Result<std::string_view> key = ReadString(reader_);
    if (!key.ok()) return Within("name of " + place, key.error());
    BRAID_TRY(CheckName(place, *key, kMaxKeyBytes));
    Result<Value> value = ReadValue(reader_);
    if (!value.ok()) return Within(Format("key {}", *key), value.error());
    part_.metadata.push_back({*key, *std::move(value)});
  }
  const NameIndex index(part_.metadata, [](const auto& kv) { return kv.key; });
  if (const auto twice = index.Duplicate()) {
    return Error{Format("key {} occurs twice, as number {} and {} of {}",
                        part_.metadata[twice->first].key, twice->first + 1,
                        twice->second + 1, key_count_)};
  }
  return {};
}

Status PartReader::ReadTensors() {
  if (tensor_count_ > reader_.left() / kLeastTensorBytes) {
    return Error{
        Format("header: {} tensors, but only {} bytes follow the "
               "metadata",
               tensor_count_, reader_.left())};
  }
  part_.tensors.reserve(static_cast<size_t>(tensor_count_));
  for (uint64_t i = 0; i < tensor_count_; ++i) {
    const std::string place = Format("tensor {} of {}", i + 1, tensor_count_);
    const Result<std::string_view> name = ReadString(reader_);
    if (!name.ok()) return Within("name of " + place, name.error());
    BRAID_TRY(CheckName(place, *name, kMaxTensorNameBytes));
    Result<TensorInfo> tensor = ReadTensor(*name);
    if (!tensor.ok()) {
      return Within(Format("tensor {}", *name), tensor.error());
    }
    part_.tensors.push_back(*std::move(tensor));
  }
  const NameIndex index(part_.tensors,
                        [](const auto& t) { return std::string_view(t.name); });
  if (const auto twice = index.Duplicate()) {
    return Error{Format("tensor {} occurs twice, as number {} and {} of {}",
                        part_.tensors[twice->first].name, twice->first + 1,
                        twice->second + 1, tensor_count_)};
  }
  return {};
}

Result<TensorInfo> PartReader::ReadTensor(std::string_view name) {
  TensorInfo tensor;
  tensor.name = name;
  BRAID_ASSIGN(const uint32_t dimensions, reader_.Read<uint32_t>());
  if (dimensions == 0 || dimensions > kMaxDimensions) {
    return Error{
        Format("{} dimensions, expected 1 to {}", dimensions, kMaxDimensions)};
  }
  for (uint32_t i = 0; i < dimensions; ++i) {
    BRAID_ASSIGN(const uint64_t size, reader_.Read<uint64_t>());
    tensor.shape.push_back(size);
  }
  BRAID_ASSIGN(tensor.type, reader_.Read<uint32_t>());
  BRAID_ASSIGN(tensor.offset, reader_.Read<uint64_t>());
  BRAID_ASSIGN(tensor.size, TensorBytes(tensor.type, tensor.shape));
  return tensor;
}

Status PartReader::CheckData() {
  part_.data_begin = RoundUp(reader_.position(), part_.alignment);
  // A file without tensors may end before its data section begins.
  const uint64_t data_bytes =
      file_bytes_ - std::min(file_bytes_, part_.data_begin);
  for (const TensorInfo& tensor : part_.tensors) {
    BRAID_TRY(CheckPlace(tensor, data_bytes));
  }
  return CheckOverlap();
}

Status PartReader::CheckPlace(const TensorInfo& tensor,
                              uint64_t data_bytes) const {
  if (tensor.offset % part_.alignment != 0) {
    return Error{
        Format("tensor {}: offset {} is not a multiple of the "
               "alignment {}",
               tensor.name, tensor.offset, part_.alignment)};
  }
  if (tensor.offset > data_bytes || tensor.size > data_bytes - tensor.offset) {
    return Error{
        Format("tensor {}: {} bytes at offset {} of the data section, "
               "which has only {}",
               tensor.name, tensor.size, tensor.offset, data_bytes)};
  }
  return {};
}

Status PartReader::CheckOverlap() const {
  std::vector<const TensorInfo*> by_offset;
  by_offset.reserve(part_.tensors.size());
  for (const TensorInfo& tensor : part_.tensors) by_offset.push_back(&tensor);
  std::sort(by_offset.begin(), by_offset.end(),
            [](const TensorInfo* a, const TensorInfo* b) {
              return a->offset < b->offset;
            });
  for (size_t i = 1; i < by_offset.size(); ++i) {
    const TensorInfo& before = *by_offset[i - 1];
    const TensorInfo& after = *by_offset[i];
    if (before.offset + before.size > after.offset) {
      return Error{Format(
          "tensors {} and {} overlap: {} bytes at offset {}, "
          "then offset {}",
          before.name, after.name, before.size, before.offset, after.offset)};
    }
  }
  return {};
}

}  // namespace

Result<uint64_t> ReadAlignment(std::span<const KeyValue> metadata) {
  for (const KeyValue& kv : metadata) {
    if (kv.key != kAlignmentKey) continue;
    BRAID_ASSIGN(const int64_t alignment, ToInt(kv.key, kv.value));
    if (alignment <= 0 || alignment > UINT32_MAX || alignment % 8 != 0) {
      return Error{Format("key {}: {} is not a positive 32-bit multiple of 8",
                          kv.key, alignment)};
    }
    return static_cast<uint64_t>(alignment);
  }
  return kDefaultAlignment;
}

Result<Part> ReadPart(std::span<const std::byte> bytes, uint64_t file_bytes) {
  return PartReader(bytes, file_bytes).Read();
}

}  // namespace braid::gguf
