#include "base/format.h"

#include <charconv>

namespace braid::internal {

std::string ToText(std::string_view value) { return std::string(value); }

std::string ToText(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

std::string ToText(long long value) { return std::to_string(value); }

std::string ToText(unsigned long long value) { return std::to_string(value); }

std::string FormatTexts(std::string_view pattern,
                        std::initializer_list<std::string> arguments) {
  std::string text;
  for (const std::string& argument : arguments) {
    const size_t hole = pattern.find("{}");
    if (hole == std::string_view::npos) break;
    text.append(pattern.substr(0, hole)).append(argument);
    pattern.remove_prefix(hole + 2);
  }
  return text.append(pattern);
}

}  // namespace braid::internal
