#include "chat/globals.h"

#include <array>
#include <cstdint>
#include <ctime>
#include <string>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "chat/operators.h"
#include "chat/python_text.h"

namespace braid::chat {

namespace {

Result<Value> Range(Runtime& runtime, const Value&,
                    const Arguments& arguments) {
  const Values& given = arguments.positional;
  if (!arguments.named.empty() || given.empty() || given.size() > 3) {
    return Error{"range needs one to three integers"};
  }
  std::array<int64_t, 3> bounds = {0, 0, 1};
  for (size_t i = 0; i < given.size(); ++i) {
    BRAID_TRY(CheckDefined(given[i]));
    const auto bound = AsInteger(given[i]);
    if (!bound.has_value()) {
      return Error{Format("range needs an int, not {}", TypeName(given[i]))};
    }
    bounds[given.size() == 1 ? 1 : i] = *bound;
  }
  const auto [start, stop, step] = bounds;
  if (step == 0) return Error{"the step of a range is 0"};
  constexpr size_t kMost = 100000;  // of Jinja's sandbox
  auto* range = runtime.New<Sequence>();
  range->kind = Sequence::Kind::kRange;
  range->start = start;
  range->stop = stop;
  range->step = step;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (range->items.size() == kMost) {
      return Error{Format("a range of more than {} numbers", kMost)};
    }
    range->items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  runtime.Charge(range->items.size() * sizeof(Value));
  BRAID_TRY(runtime.Spend(range->items.size()));
  return Value(range);
}

// What dict(pairs or mapping, name=value, ...) makes.
Result<Value> MakeDict(Runtime& runtime, const Value&,
                       const Arguments& arguments) {
  auto* dict = runtime.New<Dict>();
  if (arguments.positional.size() > 1) {
    return Error{"dict takes at most one mapping"};
  }
  if (!arguments.positional.empty()) {
    const Value& first = arguments.positional[0];
    if (const auto* mapping = As<Dict>(first)) {
      dict->items = mapping->items;
    } else {
      BRAID_ASSIGN(const Values pairs, Elements(runtime, first));
      for (const Value& pair : pairs) {
        BRAID_ASSIGN(const Values parts, Elements(runtime, pair));
        if (parts.size() != 2) return Error{"dict needs pairs"};
        BRAID_TRY(Set(runtime, *dict, parts[0], parts[1]));
      }
    }
  }
  for (const auto& [name, value] : arguments.named) {
    BRAID_TRY(Set(runtime, *dict, MakeString(TextOf(name)), value));
  }
  runtime.Charge(dict->items.size() * sizeof(std::pair<Value, Value>));
  BRAID_TRY(runtime.Spend(dict->items.size()));
  return Value(dict);
}

Result<Value> MakeNamespace(Runtime& runtime, const Value& self,
                            const Arguments& arguments) {
  BRAID_ASSIGN(const Value dict, MakeDict(runtime, self, arguments));
  auto* names = runtime.New<Namespace>();
  for (const auto& [key, value] : As<Dict>(dict)->items) {
    const Text* name = AsText(key);
    if (name == nullptr) return Error{"a name of a namespace is no str"};
    names->items.emplace_back(BytesOf(*name), value);
    if (names->items.back().first.starts_with('_')) {
      return Error{
          Format("a namespace cannot have '{}'", names->items.back().first)};
    }
  }
  return Value(names);
}

Result<Value> RaiseException(Runtime& runtime, const Value&,
                             const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound,
               Bind("raise_exception", {"message"}, arguments));
  if (!bound[0].has_value()) return Error{"raise_exception needs a message"};
  BRAID_ASSIGN(const Text message, ToText(runtime, *bound[0]));
  return Error{Format("the template refuses: {}", BytesOf(message))};
}

Result<Value> StrftimeNow(Runtime& runtime, const Value&,
                          const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("strftime_now", {"format"}, arguments));
  if (!bound[0].has_value() || AsText(*bound[0]) == nullptr) {
    return Error{"strftime_now needs a format"};
  }
  if (!runtime.now().has_value()) return Error{"no time is given"};
  const std::string format = BytesOf(*AsText(*bound[0]));
  constexpr size_t kMost = 256;
  std::array<char, 8 * kMost> text;
  if (format.size() > kMost) {
    return Error{Format("a time format of {} bytes, at most {} are allowed",
                        format.size(), kMost)};
  }
  const std::tm now = *runtime.now();
  const size_t size =
      std::strftime(text.data(), text.size(), format.c_str(), &now);
  return runtime.NewString(TextOf(std::string_view(text.data(), size)));
}

struct Global {
  std::string_view name;
  Function function;
};

constexpr Global kGlobals[] = {
    {"dict", MakeDict},
    {"namespace", MakeNamespace},
    {"raise_exception", RaiseException},
    {"range", Range},
    {"strftime_now", StrftimeNow},
};

}  // namespace

Function FindGlobal(std::string_view name) {
  for (const Global& global : kGlobals) {
    if (global.name == name) return global.function;
  }
  return nullptr;
}

}  // namespace braid::chat
