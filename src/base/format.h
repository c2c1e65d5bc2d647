// Format("{} of {}", 3, "x"): the few lines of text formatting that error
// messages need (libstdc++ 12 has no std::format).
#ifndef BRAID_SRC_BASE_FORMAT_H_
#define BRAID_SRC_BASE_FORMAT_H_

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace braid {

namespace internal {

std::string ToText(std::string_view value);
std::string ToText(double value);
std::string ToText(long long value);
std::string ToText(unsigned long long value);

template <class T>
std::string ArgumentText(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return ToText(static_cast<long long>(value));
  } else if constexpr (std::signed_integral<T>) {
    return ToText(static_cast<long long>(value));
  } else if constexpr (std::unsigned_integral<T>) {
    return ToText(static_cast<unsigned long long>(value));
  } else if constexpr (std::floating_point<T>) {
    return ToText(static_cast<double>(value));
  } else {
    return ToText(std::string_view(value));
  }
}

std::string FormatTexts(std::string_view pattern,
                        std::initializer_list<std::string> arguments);

}  // namespace internal

// Replaces each "{}" of `pattern` by the next argument: integers, floating
// point (shortest form that reads back), booleans, strings. Surplus "{}" stay.
template <class... Arguments>
std::string Format(std::string_view pattern, const Arguments&... arguments) {
  return internal::FormatTexts(pattern, {internal::ArgumentText(arguments)...});
}

}  // namespace braid

#endif  // BRAID_SRC_BASE_FORMAT_H_
