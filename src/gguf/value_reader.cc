#include "gguf/value_reader.h"

#include <cstring>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/try.h"

namespace braid::gguf {

namespace {

using Elements = decltype(Array::elements);

Result<Array> ReadArray(ByteReader& reader, int depth);

Error UnknownType(uint32_t id) {
  return Error{Format("unknown value type {}", id)};
}

// Can `count` elements of at least `least_bytes` each follow?
Status CheckCount(const ByteReader& reader, ValueType type, uint64_t count,
                  uint64_t least_bytes) {
  if (count <= reader.left() / least_bytes) return {};
  return Error{
      Format("array of {} {} values at byte {}, but only {} bytes left", count,
             Name(type), reader.position(), reader.left())};
}

template <class T>
Result<Value> ReadNumber(ByteReader& reader) {
  BRAID_ASSIGN(const T number, reader.Read<T>());
  return Value(number);
}

Result<Value> ReadBool(ByteReader& reader) {
  BRAID_ASSIGN(const uint8_t byte, reader.Read<uint8_t>());
  if (byte > 1) return Error{Format("bool is {}, expected 0 or 1", byte)};
  return Value(byte == 1);
}

template <class T>
Result<Elements> ReadNumbers(ByteReader& reader, ValueType type,
                             uint64_t count) {
  BRAID_TRY(CheckCount(reader, type, count, sizeof(T)));
  BRAID_ASSIGN(const auto bytes, reader.ReadBytes(count * sizeof(T)));
  std::vector<T> numbers(static_cast<size_t>(count));
  if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return Elements(std::move(numbers));
}

Result<Elements> ReadBools(ByteReader& reader, uint64_t count) {
  BRAID_ASSIGN(Elements elements,
               ReadNumbers<uint8_t>(reader, ValueType::kBool, count));
  const auto& bytes = std::get<std::vector<uint8_t>>(elements);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] > 1) {
      return Error{
          Format("bool at index {} is {}, expected 0 or 1", i, bytes[i])};
    }
  }
  return elements;
}

Result<Elements> ReadStrings(ByteReader& reader, uint64_t count) {
  BRAID_TRY(CheckCount(reader, ValueType::kString, count, sizeof(uint64_t)));
  std::vector<std::string_view> strings;
  strings.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count; ++i) {
    BRAID_ASSIGN(const std::string_view text, ReadString(reader));
    strings.push_back(text);
  }
  return Elements(std::move(strings));
}

Result<Elements> ReadArrays(ByteReader& reader, uint64_t count, int depth) {
  constexpr uint64_t kLeastBytes = sizeof(uint32_t) + sizeof(uint64_t);
  if (depth == kMaxArrayDepth) {
    return Error{Format("arrays are nested deeper than {}", kMaxArrayDepth)};
  }
  BRAID_TRY(CheckCount(reader, ValueType::kArray, count, kLeastBytes));
  std::vector<Array> arrays;
  arrays.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count; ++i) {
    BRAID_ASSIGN(Array array, ReadArray(reader, depth + 1));
    arrays.push_back(std::move(array));
  }
  return Elements(std::move(arrays));
}

Result<Elements> ReadElements(ByteReader& reader, ValueType type,
                              uint64_t count, int depth) {
  switch (type) {
    case ValueType::kU8:
      return ReadNumbers<uint8_t>(reader, type, count);
    case ValueType::kI8:
      return ReadNumbers<int8_t>(reader, type, count);
    case ValueType::kU16:
      return ReadNumbers<uint16_t>(reader, type, count);
    case ValueType::kI16:
      return ReadNumbers<int16_t>(reader, type, count);
    case ValueType::kU32:
      return ReadNumbers<uint32_t>(reader, type, count);
    case ValueType::kI32:
      return ReadNumbers<int32_t>(reader, type, count);
    case ValueType::kF32:
      return ReadNumbers<float>(reader, type, count);
    case ValueType::kBool:
      return ReadBools(reader, count);
    case ValueType::kString:
      return ReadStrings(reader, count);
    case ValueType::kArray:
      return ReadArrays(reader, count, depth);
    case ValueType::kU64:
      return ReadNumbers<uint64_t>(reader, type, count);
    case ValueType::kI64:
      return ReadNumbers<int64_t>(reader, type, count);
    case ValueType::kF64:
      return ReadNumbers<double>(reader, type, count);
  }
  return UnknownType(static_cast<uint32_t>(type));
}

// An element type, a count and the elements. `depth` is 1 for the outermost.
Result<Array> ReadArray(ByteReader& reader, int depth) {
  BRAID_ASSIGN(const uint32_t id, reader.Read<uint32_t>());
  BRAID_ASSIGN(const uint64_t count, reader.Read<uint64_t>());
  const auto type = static_cast<ValueType>(id);
  BRAID_ASSIGN(Elements elements, ReadElements(reader, type, count, depth));
  return Array{type, std::move(elements)};
}

}  // namespace

Result<std::string_view> ReadString(ByteReader& reader) {
  BRAID_ASSIGN(const uint64_t length, reader.Read<uint64_t>());
  if (length > reader.left()) {
    return Error{Format("string of {} bytes at byte {}, but only {} left",
                        length, reader.position(), reader.left())};
  }
  BRAID_ASSIGN(const auto bytes, reader.ReadBytes(length));
  return std::string_view(reinterpret_cast<const char*>(bytes.data()),
                          bytes.size());
}

Result<Value> ReadValue(ByteReader& reader) {
  BRAID_ASSIGN(const uint32_t id, reader.Read<uint32_t>());
  switch (static_cast<ValueType>(id)) {
    case ValueType::kU8:
      return ReadNumber<uint8_t>(reader);
    case ValueType::kI8:
      return ReadNumber<int8_t>(reader);
    case ValueType::kU16:
      return ReadNumber<uint16_t>(reader);
    case ValueType::kI16:
      return ReadNumber<int16_t>(reader);
    case ValueType::kU32:
      return ReadNumber<uint32_t>(reader);
    case ValueType::kI32:
      return ReadNumber<int32_t>(reader);
    case ValueType::kF32:
      return ReadNumber<float>(reader);
    case ValueType::kBool:
      return ReadBool(reader);
    case ValueType::kString: {
      BRAID_ASSIGN(const std::string_view text, ReadString(reader));
      return Value(text);
    }
    case ValueType::kArray: {
      BRAID_ASSIGN(Array array, ReadArray(reader, 1));
      return Value(std::move(array));
    }
    case ValueType::kU64:
      return ReadNumber<uint64_t>(reader);
    case ValueType::kI64:
      return ReadNumber<int64_t>(reader);
    case ValueType::kF64:
      return ReadNumber<double>(reader);
  }
  return UnknownType(id);
}

}  // namespace braid::gguf
