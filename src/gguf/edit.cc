#include "gguf/edit.h"

#include <span>
#include <type_traits>
#include <utility>

#include "base/byte_reader.h"
#include "base/format.h"
#include "base/mapped_file.h"
#include "base/patch_file.h"
#include "base/try.h"
#include "gguf/copy.h"
#include "gguf/part.h"
#include "gguf/split.h"
#include "gguf/value_parser.h"
#include "gguf/value_reader.h"

namespace braid::gguf {

namespace {

constexpr std::string_view kArchitectureKey = "general.architecture";

Status CheckMayTouch(std::string_view key, const EditOptions& options) {
  const bool is_structure =
      key == kArchitectureKey || key == kAlignmentKey || IsSplitKey(key);
  if (!is_structure || options.force) return {};
  return Error{
      Format("key {} says how the file is to be read; changing it is only "
             "done by force",
             key)};
}

Result<ValueType> TypeToSet(const File& file, std::string_view key,
                            const EditOptions& options) {
  if (options.type) return *options.type;
  const Value* const old = file.Find(key);
  if (old == nullptr) {
    return Error{Format("key {} is new, so its type must be given", key)};
  }
  return TypeOf(*old);
}

}  // namespace

Result<Edit> MakeSet(const File& file, std::string_view key,
                     std::string_view text, const EditOptions& options) {
  BRAID_TRY(CheckMayTouch(key, options));
  BRAID_ASSIGN(const ValueType type, TypeToSet(file, key, options));
  Result<Value> value = ParseValue(type, text);
  if (!value.ok()) {
    return Error{Format("key {}: {}", key, value.error().message)};
  }
  return Edit{key, *std::move(value)};
}

Result<Edit> MakeDelete(const File& file, std::string_view key,
                        const EditOptions& options) {
  BRAID_TRY(CheckMayTouch(key, options));
  if (file.Find(key) == nullptr) {
    return Error{Format("key {} is not there", key)};
  }
  return Edit{key, std::nullopt};
}

Status WriteEdited(const File& file, const Edit& edit, const std::string& path,
                   const std::function<bool()>& cancelled) {
  if (file.parts() > 1) {
    return Error{
        Format("the file is a set of {} parts; merge it first", file.parts())};
  }
  Contents contents;
  for (const KeyValue& kv : file.metadata()) {
    if (kv.key != edit.key) {
      contents.metadata.push_back(kv);
    } else if (edit.value) {
      contents.metadata.push_back({kv.key, *edit.value});
    }
  }
  if (edit.value && file.Find(edit.key) == nullptr) {
    contents.metadata.push_back({edit.key, *edit.value});
  }
  contents.tensors.assign(file.tensors().begin(), file.tensors().end());
  return WriteCopy(file, contents, path, cancelled);
}

namespace {

// Where the bytes of a value stand in a file, without its type.
struct Place {
  uint64_t begin = 0;
  uint64_t size = 0;
};

// `bytes` are a file that ReadPart() accepts and that has the key.
Result<Place> FindPlace(std::span<const std::byte> bytes,
                        std::string_view key) {
  ByteReader reader(bytes);
  BRAID_TRY(reader.ReadBytes(sizeof kMagic + sizeof(uint32_t)));
  BRAID_TRY(reader.Read<uint64_t>());  // tensors
  BRAID_ASSIGN(const uint64_t keys, reader.Read<uint64_t>());
  for (uint64_t i = 0; i < keys; ++i) {
    BRAID_ASSIGN(const std::string_view found, ReadString(reader));
    const uint64_t begin = reader.position() + sizeof(uint32_t);
    BRAID_TRY(ReadValue(reader));
    if (found == key) return Place{begin, reader.position() - begin};
  }
  return Error{Format("key {} is not there", key)};
}

// The bytes of a value in a file, without its type. Not of an array.
std::string ValueBytes(const Value& value) {
  const auto raw = [](const auto& number) {
    return std::string(reinterpret_cast<const char*>(&number), sizeof number);
  };
  const auto encode = [&](const auto& held) -> std::string {
    using T = std::decay_t<decltype(held)>;
    if constexpr (std::is_same_v<T, Array>) {
      return {};
    } else if constexpr (std::is_same_v<T, std::string_view>) {
      return raw(uint64_t{held.size()}).append(held);
    } else {
      return raw(held);
    }
  };
  return std::visit(encode, value);
}

}  // namespace

Status PatchInPlace(const File& file, const Edit& edit,
                    const std::string& path) {
  const Value* const old = file.Find(edit.key);
  if (old == nullptr || !edit.value) {
    return Error{
        Format("key {} would come or go, which moves the rest of the file; "
               "write a new file",
               edit.key)};
  }
  if (edit.key == kAlignmentKey) {
    return Error{
        Format("key {} places every tensor; write a new file", edit.key)};
  }
  BRAID_ASSIGN(const MappedFile mapping, MappedFile::Open(path));
  BRAID_ASSIGN(const Place place, FindPlace(mapping.bytes(), edit.key));
  const std::string bytes = ValueBytes(*edit.value);
  if (TypeOf(*old) != TypeOf(*edit.value) || place.size != bytes.size()) {
    return Error{
        Format("key {}: the new value is a {} of {} bytes, the old a {} of {}; "
               "write a new file",
               edit.key, Name(TypeOf(*edit.value)), bytes.size(),
               Name(TypeOf(*old)), place.size)};
  }
  return PatchFile(path, place.begin, std::as_bytes(std::span(bytes)));
}

}  // namespace braid::gguf
