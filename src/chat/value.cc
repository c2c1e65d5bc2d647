#include "chat/value.h"

#include <array>

namespace braid::chat {

Value MakeUndefined(std::string why) {
  return Undefined{std::make_shared<const std::string>(std::move(why))};
}

Value MakeString(Text text, bool markup) {
  return String{std::make_shared<const Text>(std::move(text)), markup};
}

std::string_view TypeName(const Sequence& sequence) {
  constexpr std::array<std::string_view, 7> kKinds = {
      "list",        "tuple",      "range",    "dict_keys",
      "dict_values", "dict_items", "generator"};
  return kKinds[static_cast<size_t>(sequence.kind)];
}

std::string_view TypeName(const Value& value) {
  if (const auto* sequence = As<Sequence>(value)) return TypeName(*sequence);
  constexpr std::array<std::string_view, 11> kTypes = {
      "Undefined", "NoneType", "bool",      "int",      "float",      "str",
      "list",      "dict",     "Namespace", "function", "LoopContext"};
  return kTypes[value.index()];
}

}  // namespace braid::chat
