// Value: what a template computes with; Python's values, as far as templates
// show them.
//
// Containers live in the Heap of one rendering and are freed with it, all at
// once: they may hold each other in any shape, and none is freed by way of
// another. Strings are shared and immutable.
#ifndef BRAID_SRC_CHAT_VALUE_H_
#define BRAID_SRC_CHAT_VALUE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "chat/text.h"

namespace braid::chat {

struct Sequence;
struct Dict;
struct Namespace;
struct Callable;
struct Loop;

// What is not there: prints as nothing, is false, is empty, and is an error
// where something is wanted of it. `why` is that error.
struct Undefined {
  std::shared_ptr<const std::string> why;
};
struct None {};
// `markup`: HTML that is safe, as the filters `safe` and `escape` make it. What
// is added to it with + is escaped.
struct String {
  std::shared_ptr<const Text> text;
  bool markup = false;
};

using Value = std::variant<Undefined, None, bool, int64_t, double, String,
                           Sequence*, Dict*, Namespace*, Callable*, Loop*>;
using Values = std::vector<Value>;

// Anything that a Heap frees.
struct Object {
  virtual ~Object() = default;
};

struct Sequence : Object {
  // A generator is what `map`, `select` and their like give: it is walked once,
  // has no length, and is true even if it is empty. `failure`, if not empty, is
  // the error that comes behind its items.
  enum class Kind { kList, kTuple, kRange, kKeys, kValues, kItems, kGenerator };
  Kind kind = Kind::kList;
  Values items;
  int64_t step = 1;  // of a range
  int64_t start = 0;
  int64_t stop = 0;
  std::string failure;
};

// In the order of insertion.
struct Dict : Object {
  std::vector<std::pair<Value, Value>> items;
};

struct Namespace : Object {
  std::vector<std::pair<std::string, Value>> items;
};

// The `loop` of a for statement.
struct Loop : Object {
  Value previous;
  Value next;
  Values changed;  // what loop.changed was last asked with
  bool was_asked = false;
  int64_t index = 0;  // from 0
  int64_t length = 0;
};

inline const Text* AsText(const Value& value) {
  const auto* string = std::get_if<String>(&value);
  return string == nullptr ? nullptr : string->text.get();
}
template <class T>
T* As(const Value& value) {
  T* const* pointer = std::get_if<T*>(&value);
  return pointer == nullptr ? nullptr : *pointer;
}
inline bool IsUndefined(const Value& value) {
  return std::holds_alternative<Undefined>(value);
}
inline bool IsNone(const Value& value) {
  return std::holds_alternative<None>(value);
}
inline bool IsMarkup(const Value& value) {
  const auto* string = std::get_if<String>(&value);
  return string != nullptr && string->markup;
}

Value MakeUndefined(std::string why);
Value MakeString(Text text, bool markup = false);

// The name of the value's type, as Python has it: "str", "dict", ...
std::string_view TypeName(const Value& value);
std::string_view TypeName(const Sequence& sequence);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_VALUE_H_
