#include "gguf/value.h"

#include <charconv>
#include <type_traits>
#include <utility>

#include "base/format.h"

namespace braid::gguf {

namespace {

constexpr std::string_view kTypeNames[] = {
    "u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
    "bool", "string", "array", "u64", "i64", "f64"};

constexpr bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// The length of the UTF-8 character that `text` starts with; 0 if it starts
// with none. (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF.)
size_t CharacterLength(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(0);
  size_t length = 0;
  unsigned second_min = 0x80, second_max = 0xBF;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) length = 2;
  if (first >= 0xE0 && first <= 0xEF) length = 3;
  if (first >= 0xF0 && first <= 0xF4) length = 4;
  if (first == 0xE0) second_min = 0xA0;
  if (first == 0xED) second_max = 0x9F;
  if (first == 0xF0) second_min = 0x90;
  if (first == 0xF4) second_max = 0x8F;
  if (length == 0 || length > text.size()) return 0;
  if (byte(1) < second_min || byte(1) > second_max) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (!IsContinuation(text[i])) return 0;
  }
  return length;
}

// Control characters move a terminal's cursor or worse: C0, DEL, and C1, which
// is U+0080 to U+009F, in UTF-8 C2 80 to C2 9F.
bool IsControl(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

void AppendEscaped(std::string_view bytes, std::string* text) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      *text += "\\n";
    } else if (c == '\t') {
      *text += "\\t";
    } else {
      *text += "\\x";
      *text += kDigits[byte >> 4];
      *text += kDigits[byte & 15];
    }
  }
}

template <class T>
std::string NumberText(T value) {
  if constexpr (std::is_same_v<T, float>) {
    // Through double, 0.1f would print as 0.10000000149011612.
    char text[32];
    return std::string(text,
                       std::to_chars(text, text + sizeof text, value).ptr);
  } else {
    return Format("{}", value);
  }
}

std::string ArrayText(const Array& array, const TextLimits& limits) {
  std::string text = "[";
  const auto append = [&](const auto& elements) {
    for (size_t i = 0; i < elements.size(); ++i) {
      if (i != 0) text += ", ";
      if (i == limits.elements) {
        text += "...";
        break;
      }
      using T = std::decay_t<decltype(elements[i])>;
      if constexpr (std::is_same_v<T, Array>) {
        text += ArrayText(elements[i], limits);
      } else if constexpr (std::is_same_v<T, std::string_view>) {
        text += Quoted(elements[i], limits.string_bytes);
      } else if (array.type == ValueType::kBool) {
        text += elements[i] != 0 ? "true" : "false";
      } else {
        text += NumberText(elements[i]);
      }
    }
  };
  std::visit(append, array.elements);
  return text + "]";
}

}  // namespace

std::string_view Name(ValueType type) {
  const auto id = static_cast<uint32_t>(type);
  return id < std::size(kTypeNames) ? kTypeNames[id] : "unknown";
}

// The alternatives of Value stand in the order of the format's ids.
ValueType TypeOf(const Value& value) {
  static_assert(std::is_same_v<std::variant_alternative_t<6, Value>, float>);
  static_assert(std::is_same_v<std::variant_alternative_t<9, Value>, Array>);
  static_assert(std::is_same_v<std::variant_alternative_t<12, Value>, double>);
  return static_cast<ValueType>(value.index());
}

size_t Count(const Array& array) {
  return std::visit([](const auto& elements) { return elements.size(); },
                    array.elements);
}

std::string Quoted(std::string_view text, size_t max_bytes) {
  std::string quoted = "\"";
  size_t done = 0;
  while (done < text.size()) {
    const std::string_view rest = text.substr(done);
    const size_t length = CharacterLength(rest);
    const std::string_view character = rest.substr(0, length == 0 ? 1 : length);
    if (done + character.size() > max_bytes) break;
    if (length == 0 || IsControl(character)) {
      AppendEscaped(character, &quoted);
    } else {
      if (character == "\"" || character == "\\") quoted += '\\';
      quoted += character;
    }
    done += character.size();
  }
  quoted += '"';
  return done < text.size() ? quoted + "..." : quoted;
}

std::string TypeText(const Value& value) {
  if (const Array* array = std::get_if<Array>(&value)) {
    return Format("{}[{}]", Name(array->type), Count(*array));
  }
  return std::string(Name(TypeOf(value)));
}

std::string ValueText(const Value& value, const TextLimits& limits) {
  const auto text = [&](const auto& held) -> std::string {
    using T = std::decay_t<decltype(held)>;
    if constexpr (std::is_same_v<T, Array>) {
      return ArrayText(held, limits);
    } else if constexpr (std::is_same_v<T, std::string_view>) {
      return Quoted(held, limits.string_bytes);
    } else {
      return NumberText(held);
    }
  };
  return std::visit(text, value);
}

}  // namespace braid::gguf
