#include "chat/runtime.h"

#include <algorithm>

#include "base/format.h"
#include "base/try.h"

namespace braid::chat {

Status Runtime::Spend(size_t steps) {
  steps_ += static_cast<int64_t>(steps);
  if (steps_ > limits_.steps) {
    return Error{Format("more than {} steps", limits_.steps)};
  }
  if (value_bytes_ > limits_.value_bytes) {
    return Error{Format("more than {} bytes of values", limits_.value_bytes)};
  }
  return {};
}

Result<Value> Runtime::NewString(Text text, bool markup) {
  characters_ += static_cast<int64_t>(text.size());
  if (characters_ > limits_.characters) {
    return Error{
        Format("more than {} characters were made", limits_.characters)};
  }
  return MakeString(std::move(text), markup);
}

Value Runtime::NewSequence(Sequence::Kind kind, Values items) {
  auto* sequence = New<Sequence>();
  Charge(items.size() * sizeof(Value));
  sequence->kind = kind;
  sequence->items = std::move(items);
  return sequence;
}

Value Runtime::NewMethod(std::string_view name, Function function,
                         const Value& self) {
  auto* method = New<Callable>();
  method->name = std::string(name);
  method->function = function;
  method->self = self;
  return method;
}

Status Runtime::Level::status() const {
  if (runtime_.level_ <= runtime_.limits_.depth) return {};
  return Error{Format("more than {} levels deep", runtime_.limits_.depth)};
}

Result<std::vector<std::optional<Value>>> Bind(
    std::string_view function, std::initializer_list<std::string_view> names,
    const Arguments& arguments) {
  if (arguments.positional.size() > names.size()) {
    return Error{Format("{} takes at most {} arguments, {} are given", function,
                        names.size(), arguments.positional.size())};
  }
  std::vector<std::optional<Value>> bound(names.size());
  std::copy(arguments.positional.begin(), arguments.positional.end(),
            bound.begin());
  for (const auto& [name, value] : arguments.named) {
    const auto* found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      return Error{Format("{} has no argument '{}'", function, name)};
    }
    std::optional<Value>& place =
        bound[static_cast<size_t>(found - names.begin())];
    if (place.has_value()) {
      return Error{Format("{}: argument '{}' is given twice", function, name)};
    }
    place = value;
  }
  return bound;
}

}  // namespace braid::chat
