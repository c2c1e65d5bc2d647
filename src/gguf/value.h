// A metadata value of a GGUF file.
#ifndef BRAID_SRC_GGUF_VALUE_H_
#define BRAID_SRC_GGUF_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace braid::gguf {

// The ids of the container format.
enum class ValueType : uint32_t {
  kU8 = 0,
  kI8 = 1,
  kU16 = 2,
  kI16 = 3,
  kU32 = 4,
  kI32 = 5,
  kF32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kU64 = 10,
  kI64 = 11,
  kF64 = 12,
};

struct Array;

// Numbers keep their width. Strings are views into the mapped file when read
// from one, and views of the caller's text when built for writing.
using Value =
    std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float,
                 bool, std::string_view, Array, uint64_t, int64_t, double>;

// Elements of one type. The alternative that is held matches `type`; bools are
// stored as bytes 0 and 1.
struct Array {
  ValueType type = ValueType::kU8;
  std::variant<std::vector<uint8_t>, std::vector<int8_t>, std::vector<uint16_t>,
               std::vector<int16_t>, std::vector<uint32_t>,
               std::vector<int32_t>, std::vector<float>,
               std::vector<std::string_view>, std::vector<Array>,
               std::vector<uint64_t>, std::vector<int64_t>, std::vector<double>>
      elements;
};

struct KeyValue {
  std::string_view key;
  Value value;
};

// "u8", "f32", "string", "array"; "unknown" for a number that is no type.
std::string_view Name(ValueType type);

ValueType TypeOf(const Value& value);

// The number of elements.
size_t Count(const Array& array);

// How much of a long value is written out.
struct TextLimits {
  size_t string_bytes = 60;
  size_t elements = 6;
};

// "u32", "string[3]".
std::string TypeText(const Value& value);

// The value on one line for a person: `-3`, `"text"`, `["a", "b", "c"]`.
// Control characters and bytes that are not UTF-8 are escaped; long strings
// and arrays are cut and end in "...".
std::string ValueText(const Value& value, const TextLimits& limits = {});

// A string as ValueText() writes it.
std::string Quoted(std::string_view text, size_t max_bytes);

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_VALUE_H_
