#include "gguf/conversion.h"

#include <type_traits>
#include <utility>

#include "base/format.h"

namespace braid::gguf {

namespace {

template <class T>
constexpr bool kIsInteger = std::is_integral_v<T> && !std::is_same_v<T, bool>;

Error WrongKind(std::string_view key, std::string_view expected,
                const Value& value) {
  return Error{Format("key {}: expected {}, found {} {}", key, expected,
                      TypeText(value), ValueText(value))};
}

}  // namespace

Result<int64_t> ToInt(std::string_view key, const Value& value) {
  const auto convert = [&](const auto& held) -> Result<int64_t> {
    using T = std::decay_t<decltype(held)>;
    if constexpr (kIsInteger<T>) {
      if (std::in_range<int64_t>(held)) return static_cast<int64_t>(held);
      return WrongKind(key, "an integer below 2^63", value);
    } else {
      return WrongKind(key, "an integer", value);
    }
  };
  return std::visit(convert, value);
}

Result<double> ToFloat(std::string_view key, const Value& value) {
  const auto convert = [&](const auto& held) -> Result<double> {
    using T = std::decay_t<decltype(held)>;
    if constexpr (kIsInteger<T> || std::is_floating_point_v<T>) {
      return static_cast<double>(held);
    } else {
      return WrongKind(key, "a number", value);
    }
  };
  return std::visit(convert, value);
}

Result<bool> ToBool(std::string_view key, const Value& value) {
  if (const bool* held = std::get_if<bool>(&value)) return *held;
  return WrongKind(key, "a bool", value);
}

Result<std::string_view> ToString(std::string_view key, const Value& value) {
  if (const auto* held = std::get_if<std::string_view>(&value)) return *held;
  return WrongKind(key, "a string", value);
}

}  // namespace braid::gguf
