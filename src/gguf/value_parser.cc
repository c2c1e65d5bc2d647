#include "gguf/value_parser.h"

#include <charconv>
#include <system_error>

#include "base/format.h"

namespace braid::gguf {

namespace {

constexpr size_t kQuotedBytes = 60;

template <class T>
Result<Value> ParseNumber(ValueType type, std::string_view text) {
  T number{};
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code == std::errc::result_out_of_range) {
    return Error{Format("{} is out of the range of {}",
                        Quoted(text, kQuotedBytes), Name(type))};
  }
  if (code != std::errc() || stop != end) {
    return Error{Format("{} is no {}", Quoted(text, kQuotedBytes), Name(type))};
  }
  return Value(number);
}

Result<Value> ParseBool(std::string_view text) {
  if (text == "true") return Value(true);
  if (text == "false") return Value(false);
  return Error{Format("{} is no bool, expected true or false",
                      Quoted(text, kQuotedBytes))};
}

}  // namespace

std::optional<ValueType> FindValueType(std::string_view name) {
  for (uint32_t id = 0; id < std::variant_size_v<Value>; ++id) {
    const auto type = static_cast<ValueType>(id);
    if (Name(type) == name) return type;
  }
  return std::nullopt;
}

Result<Value> ParseValue(ValueType type, std::string_view text) {
  switch (type) {
    case ValueType::kU8:
      return ParseNumber<uint8_t>(type, text);
    case ValueType::kI8:
      return ParseNumber<int8_t>(type, text);
    case ValueType::kU16:
      return ParseNumber<uint16_t>(type, text);
    case ValueType::kI16:
      return ParseNumber<int16_t>(type, text);
    case ValueType::kU32:
      return ParseNumber<uint32_t>(type, text);
    case ValueType::kI32:
      return ParseNumber<int32_t>(type, text);
    case ValueType::kF32:
      return ParseNumber<float>(type, text);
    case ValueType::kU64:
      return ParseNumber<uint64_t>(type, text);
    case ValueType::kI64:
      return ParseNumber<int64_t>(type, text);
    case ValueType::kF64:
      return ParseNumber<double>(type, text);
    case ValueType::kBool:
      return ParseBool(text);
    case ValueType::kString:
      return Value(text);
    case ValueType::kArray:
      break;
  }
  return Error{
      Format("{} cannot be set, only numbers, bools and strings", Name(type))};
}

}  // namespace braid::gguf
