#include <cstdint>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "chat/methods.h"
#include "chat/operators.h"

namespace braid::chat {

namespace {

using Kind = Sequence::Kind;

Result<Value> DictKeys(Runtime& runtime, const Value& self,
                       const Arguments& arguments) {
  BRAID_TRY(Bind("keys", {}, arguments));
  BRAID_ASSIGN(Values keys, Elements(runtime, self));
  return runtime.NewSequence(Kind::kKeys, std::move(keys));
}

Result<Value> DictValues(Runtime& runtime, const Value& self,
                         const Arguments& arguments) {
  BRAID_TRY(Bind("values", {}, arguments));
  Values values;
  for (const auto& item : As<Dict>(self)->items) values.push_back(item.second);
  BRAID_TRY(runtime.Spend(values.size()));
  return runtime.NewSequence(Kind::kValues, std::move(values));
}

Result<Value> DictItems(Runtime& runtime, const Value& self,
                        const Arguments& arguments) {
  BRAID_TRY(Bind("items", {}, arguments));
  Values items;
  BRAID_TRY(runtime.Spend(As<Dict>(self)->items.size()));
  for (const auto& [key, value] : As<Dict>(self)->items) {
    items.push_back(runtime.NewTuple({key, value}));
  }
  return runtime.NewSequence(Kind::kItems, std::move(items));
}

Result<Value> DictGet(Runtime& runtime, const Value& self,
                      const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("get", {"key", "default"}, arguments));
  if (!bound[0].has_value()) return Error{"get needs a key"};
  BRAID_ASSIGN(const Value* const found,
               Find(runtime, *As<Dict>(self), *bound[0]));
  return found != nullptr ? *found : bound[1].value_or(None{});
}

Result<Value> DictCopy(Runtime& runtime, const Value& self,
                       const Arguments& arguments) {
  BRAID_TRY(Bind("copy", {}, arguments));
  auto* copy = runtime.New<Dict>();
  copy->items = As<Dict>(self)->items;
  runtime.Charge(copy->items.size() * sizeof(copy->items.front()));
  BRAID_TRY(runtime.Spend(copy->items.size()));
  return Value(copy);
}

Result<Value> CountItem(Runtime& runtime, const Value& self,
                        const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("count", {"value"}, arguments));
  if (!bound[0].has_value()) return Error{"count needs a value"};
  int64_t count = 0;
  for (const Value& item : As<Sequence>(self)->items) {
    BRAID_ASSIGN(const bool equal, Equal(runtime, item, *bound[0]));
    count += equal ? 1 : 0;
  }
  return Value(count);
}

Result<Value> IndexItem(Runtime& runtime, const Value& self,
                        const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("index", {"value"}, arguments));
  if (!bound[0].has_value()) return Error{"index needs a value"};
  const Values& items = As<Sequence>(self)->items;
  for (size_t i = 0; i < items.size(); ++i) {
    BRAID_ASSIGN(const bool equal, Equal(runtime, items[i], *bound[0]));
    if (equal) return Value(static_cast<int64_t>(i));
  }
  return Error{"index: the value is not in the list"};
}

Result<Value> CopyList(Runtime& runtime, const Value& self,
                       const Arguments& arguments) {
  BRAID_TRY(Bind("copy", {}, arguments));
  BRAID_ASSIGN(Values items, Elements(runtime, self));
  return runtime.NewList(std::move(items));
}

Result<Value> LoopCycle(Runtime&, const Value& self,
                        const Arguments& arguments) {
  const Values& values = arguments.positional;
  if (values.empty() || !arguments.named.empty()) {
    return Error{"loop.cycle needs values"};
  }
  return values[static_cast<size_t>(As<Loop>(self)->index) % values.size()];
}

Result<Value> LoopChanged(Runtime& runtime, const Value& self,
                          const Arguments& arguments) {
  Loop& loop = *As<Loop>(self);
  bool changed =
      !loop.was_asked || loop.changed.size() != arguments.positional.size();
  for (size_t i = 0; !changed && i < loop.changed.size(); ++i) {
    BRAID_ASSIGN(const bool equal,
                 Equal(runtime, loop.changed[i], arguments.positional[i]));
    changed = !equal;
  }
  loop.was_asked = true;
  loop.changed = arguments.positional;
  return Value(changed);
}

struct Method {
  std::string_view name;
  Function function;  // null: it changes the container
};

constexpr Method kDictMethods[] = {
    {"keys", DictKeys},  {"values", DictValues}, {"items", DictItems},
    {"get", DictGet},    {"copy", DictCopy},     {"clear", nullptr},
    {"pop", nullptr},    {"popitem", nullptr},   {"setdefault", nullptr},
    {"update", nullptr}, {"fromkeys", nullptr},
};

constexpr Method kListMethods[] = {
    {"count", CountItem}, {"index", IndexItem}, {"copy", CopyList},
    {"append", nullptr},  {"clear", nullptr},   {"extend", nullptr},
    {"insert", nullptr},  {"pop", nullptr},     {"remove", nullptr},
    {"reverse", nullptr}, {"sort", nullptr},
};

constexpr Method kTupleMethods[] = {{"count", CountItem}, {"index", IndexItem}};

constexpr Method kLoopMethods[] = {{"cycle", LoopCycle},
                                   {"changed", LoopChanged}};

template <size_t count>
std::optional<Value> Bound(Runtime& runtime, const Method (&methods)[count],
                           const Value& value, std::string_view name) {
  for (const Method& method : methods) {
    if (method.name != name) continue;
    if (method.function == nullptr) {
      return MakeUndefined(
          Format("{}.{} is not allowed in a template", TypeName(value), name));
    }
    return runtime.NewMethod(name, method.function, value);
  }
  return {};
}

std::optional<Value> LoopProperty(const Loop& loop, std::string_view name) {
  if (name == "index0") return loop.index;
  if (name == "index") return loop.index + 1;
  if (name == "first") return loop.index == 0;
  if (name == "last") return loop.index + 1 == loop.length;
  if (name == "length") return loop.length;
  if (name == "revindex") return loop.length - loop.index;
  if (name == "revindex0") return loop.length - loop.index - 1;
  if (name == "previtem") return loop.previous;
  if (name == "nextitem") return loop.next;
  if (name == "depth") return int64_t{1};
  if (name == "depth0") return int64_t{0};
  return {};
}

std::optional<Value> RangeProperty(const Sequence& range,
                                   std::string_view name) {
  if (name == "start") return range.start;
  if (name == "stop") return range.stop;
  if (name == "step") return range.step;
  return {};
}

}  // namespace

std::optional<Value> FindMember(Runtime& runtime, const Value& value,
                                std::string_view name) {
  if (As<Dict>(value) != nullptr) {
    return Bound(runtime, kDictMethods, value, name);
  }
  if (const auto* names = As<Namespace>(value)) {
    for (const auto& [known, item] : names->items) {
      if (known == name) return item;
    }
    return {};
  }
  if (const auto* loop = As<Loop>(value)) {
    if (auto property = LoopProperty(*loop, name)) return property;
    return Bound(runtime, kLoopMethods, value, name);
  }
  const auto* sequence = As<Sequence>(value);
  if (sequence == nullptr || sequence->kind > Kind::kRange) return {};
  if (sequence->kind == Kind::kList) {
    return Bound(runtime, kListMethods, value, name);
  }
  if (sequence->kind == Kind::kRange) {
    if (auto property = RangeProperty(*sequence, name)) return property;
  }
  return Bound(runtime, kTupleMethods, value, name);
}

}  // namespace braid::chat
