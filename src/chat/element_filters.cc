#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "chat/filters.h"
#include "chat/lookup.h"
#include "chat/operators.h"
#include "chat/predicates.h"
#include "chat/python_text.h"

namespace braid::chat {

namespace {

using Bindings = std::vector<std::optional<Value>>;

bool Given(const std::optional<Value>& argument) {
  return argument.has_value() && !IsNone(*argument);
}

bool Wanted(const std::optional<Value>& argument) {
  return argument.has_value() && Truth(*argument);
}

// "a.b.0" of an element: items of items.
Result<Value> Path(Runtime& runtime, Value element, const Value& attribute) {
  const Text* text = AsText(attribute);
  if (text == nullptr) return GetItem(runtime, element, attribute);
  for (size_t begin = 0; begin <= text->size();) {
    const size_t end = std::min(text->find(U'.', begin), text->size());
    const Text part = text->substr(begin, end - begin);
    const bool number =
        !part.empty() && std::all_of(part.begin(), part.end(), IsDecimal);
    Value index = MakeString(part);
    if (number) {
      const std::string digits = BytesOf(part);
      int64_t value = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
      index = value;
    }
    BRAID_ASSIGN(element, GetItem(runtime, element, index));
    begin = end + 1;
  }
  return element;
}

// The element, or the attribute of it that is asked for.
Result<Value> PartOf(Runtime& runtime, const Value& element,
                     const std::optional<Value>& attribute) {
  return Given(attribute) ? Path(runtime, element, *attribute)
                          : Result<Value>(element);
}

// What elements are sorted by: in small letters, unless case counts.
Result<Value> KeyOf(Runtime& runtime, const Value& element,
                    const std::optional<Value>& attribute,
                    bool case_sensitive) {
  BRAID_ASSIGN(const Value part, PartOf(runtime, element, attribute));
  const Text* text = AsText(part);
  if (text == nullptr || case_sensitive) return part;
  return runtime.NewString(Lower(*text));
}

struct Keyed {
  Value key;
  Value element;
};

// Stable. Error: keys without an order.
Status SortByKey(Runtime& runtime, std::vector<Keyed>& keyed, bool reverse) {
  Status status;
  const auto before = [&](const Keyed& a, const Keyed& b) {
    if (!status.ok()) return false;
    const auto less =
        reverse ? Less(runtime, b.key, a.key) : Less(runtime, a.key, b.key);
    if (!less.ok()) status = less.error();
    return less.ok() && *less;
  };
  std::stable_sort(keyed.begin(), keyed.end(), before);
  return status;
}

Values ElementsOf(std::vector<Keyed> keyed) {
  Values elements;
  for (Keyed& item : keyed) elements.push_back(std::move(item.element));
  return elements;
}

Result<std::vector<Keyed>> WithKeys(Runtime& runtime, const Value& self,
                                    const std::optional<Value>& attribute,
                                    bool case_sensitive) {
  BRAID_ASSIGN(const Values elements, Elements(runtime, self));
  std::vector<Keyed> keyed;
  for (const Value& element : elements) {
    BRAID_ASSIGN(Value key, KeyOf(runtime, element, attribute, case_sensitive));
    keyed.push_back({std::move(key), element});
  }
  return keyed;
}

Result<Value> FilterSort(Runtime& runtime, const Value& self,
                         const Arguments& arguments) {
  BRAID_ASSIGN(
      const Bindings bound,
      Bind("sort", {"reverse", "case_sensitive", "attribute"}, arguments));
  if (Given(bound[2]) && AsText(*bound[2]) != nullptr &&
      AsText(*bound[2])->find(U',') != Text::npos) {
    return Error{"sort: several attributes are not supported"};
  }
  BRAID_ASSIGN(auto keyed, WithKeys(runtime, self, bound[2], Wanted(bound[1])));
  // Jinja compares lists of keys: what is undefined everywhere has an order.
  for (Keyed& item : keyed) item.key = runtime.NewList({item.key});
  BRAID_TRY(SortByKey(runtime, keyed, Wanted(bound[0])));
  return runtime.NewList(ElementsOf(std::move(keyed)));
}

Result<Value> FilterDictSort(Runtime& runtime, const Value& self,
                             const Arguments& arguments) {
  BRAID_ASSIGN(
      const Bindings bound,
      Bind("dictsort", {"case_sensitive", "by", "reverse"}, arguments));
  BRAID_TRY(CheckDefined(self));
  const auto* dict = As<Dict>(self);
  if (dict == nullptr) {
    return Error{Format("dictsort needs a dict, not {}", TypeName(self))};
  }
  const Value by = bound[1].value_or(MakeString(U"key"));
  const bool by_value = AsText(by) != nullptr && *AsText(by) == U"value";
  if (!by_value && (AsText(by) == nullptr || *AsText(by) != U"key")) {
    return Error{"dictsort sorts by 'key' or 'value'"};
  }
  std::vector<Keyed> keyed;
  for (const auto& [key, value] : dict->items) {
    BRAID_ASSIGN(Value sorted_by,
                 KeyOf(runtime, by_value ? value : key, {}, Wanted(bound[0])));
    keyed.push_back({std::move(sorted_by), runtime.NewTuple({key, value})});
  }
  BRAID_TRY(SortByKey(runtime, keyed, Wanted(bound[2])));
  return runtime.NewList(ElementsOf(std::move(keyed)));
}

Result<Value> UniqueOf(Runtime& runtime, const Value& self,
                       const Arguments& arguments) {
  BRAID_ASSIGN(const Bindings bound,
               Bind("unique", {"case_sensitive", "attribute"}, arguments));
  BRAID_ASSIGN(const auto keyed,
               WithKeys(runtime, self, bound[1], Wanted(bound[0])));
  auto* seen = runtime.New<Dict>();
  Values unique;
  for (const Keyed& item : keyed) {
    BRAID_ASSIGN(const Value* const found, Find(runtime, *seen, item.key));
    if (found != nullptr) continue;
    seen->items.emplace_back(item.key, None{});
    unique.push_back(item.element);
  }
  return runtime.NewGenerator(std::move(unique));
}

template <bool most>
Result<Value> FilterExtreme(Runtime& runtime, const Value& self,
                            const Arguments& arguments) {
  BRAID_ASSIGN(
      const Bindings bound,
      Bind(most ? "max" : "min", {"case_sensitive", "attribute"}, arguments));
  BRAID_ASSIGN(const auto keyed,
               WithKeys(runtime, self, bound[1], Wanted(bound[0])));
  if (keyed.empty()) return MakeUndefined("an empty list has no extreme");
  const Keyed* best = &keyed.front();
  for (const Keyed& item : keyed) {
    if (&item == best) continue;
    BRAID_ASSIGN(const bool better, most ? Less(runtime, best->key, item.key)
                                         : Less(runtime, item.key, best->key));
    if (better) best = &item;
  }
  return best->element;
}

Result<Value> FilterSum(Runtime& runtime, const Value& self,
                        const Arguments& arguments) {
  BRAID_ASSIGN(const Bindings bound,
               Bind("sum", {"attribute", "start"}, arguments));
  BRAID_ASSIGN(const Values elements, Elements(runtime, self));
  Value sum = bound[1].value_or(int64_t{0});
  for (const Value& element : elements) {
    BRAID_ASSIGN(const Value part, PartOf(runtime, element, bound[0]));
    BRAID_ASSIGN(sum, Calculate(runtime, Operator::kAdd, sum, part));
  }
  return sum;
}

Result<Value> FilterJoin(Runtime& runtime, const Value& self,
                         const Arguments& arguments) {
  BRAID_ASSIGN(const Bindings bound,
               Bind("join", {"d", "attribute"}, arguments));
  BRAID_ASSIGN(const Text separator,
               ToText(runtime, bound[0].value_or(MakeString(Text()))));
  BRAID_ASSIGN(const Values elements, Elements(runtime, self));
  Text joined;
  for (size_t i = 0; i < elements.size(); ++i) {
    BRAID_ASSIGN(const Value part, PartOf(runtime, elements[i], bound[1]));
    BRAID_ASSIGN(const Text text, ToText(runtime, part));
    BRAID_TRY(runtime.Spend((text.size() + separator.size()) / 16));
    if (i > 0) joined += separator;
    joined += text;
  }
  return runtime.NewString(std::move(joined));
}

Result<Value> FilterFirst(Runtime& runtime, const Value& self,
                          const Arguments& arguments) {
  BRAID_TRY(Bind("first", {}, arguments));
  // A generator loses its first element only.
  if (auto* sequence = As<Sequence>(self);
      sequence != nullptr && sequence->kind == Sequence::Kind::kGenerator &&
      !sequence->items.empty()) {
    BRAID_TRY(runtime.Spend(sequence->items.size()));
    const Value first = sequence->items.front();
    sequence->items.erase(sequence->items.begin());
    return first;
  }
  BRAID_ASSIGN(const Values elements, Elements(runtime, self));
  return elements.empty() ? MakeUndefined("an empty list has no first element")
                          : elements.front();
}

Result<Value> FilterLast(Runtime& runtime, const Value& self,
                         const Arguments& arguments) {
  BRAID_TRY(Bind("last", {}, arguments));
  BRAID_TRY(Length(self));
  BRAID_ASSIGN(const Values elements, Elements(runtime, self));
  return elements.empty() ? MakeUndefined("an empty list has no last element")
                          : elements.back();
}

Result<Value> FilterList(Runtime& runtime, const Value& self,
                         const Arguments& arguments) {
  BRAID_TRY(Bind("list", {}, arguments));
  BRAID_ASSIGN(Values elements, Elements(runtime, self));
  return runtime.NewList(std::move(elements));
}

Result<Value> FilterReverse(Runtime& runtime, const Value& self,
                            const Arguments& arguments) {
  BRAID_TRY(Bind("reverse", {}, arguments));
  if (const Text* text = AsText(self)) {
    return runtime.NewString(Text(text->rbegin(), text->rend()),
                             IsMarkup(self));
  }
  BRAID_ASSIGN(Values elements, Elements(runtime, self));
  std::reverse(elements.begin(), elements.end());
  return runtime.NewGenerator(std::move(elements));
}

Result<Value> ItemsOf(Runtime& runtime, const Value& self,
                      const Arguments& arguments) {
  BRAID_TRY(Bind("items", {}, arguments));
  Values items;
  if (const auto* dict = As<Dict>(self)) {
    BRAID_TRY(runtime.Spend(dict->items.size()));
    for (const auto& [key, value] : dict->items) {
      items.push_back(runtime.NewTuple({key, value}));
    }
  } else if (!IsUndefined(self)) {
    return Error{Format("items needs a dict, not {}", TypeName(self))};
  }
  return runtime.NewGenerator(std::move(items));
}

// `arguments` without the first `count` positional ones.
Arguments Without(const Arguments& arguments, size_t count) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() + static_cast<long>(count));
  return rest;
}

using Change = std::function<Result<Value>(const Value& element)>;

// A generator of what `change` makes of each element, up to the first error.
Result<Value> Mapped(Runtime& runtime, const Value& self,
                     const Change& change) {
  BRAID_ASSIGN(const Values elements, Elements(runtime, self));
  auto* mapped = runtime.New<Sequence>();
  mapped->kind = Sequence::Kind::kGenerator;
  for (const Value& element : elements) {
    auto value = change(element);
    if (!value.ok()) {
      mapped->failure = value.error().message;
      break;
    }
    mapped->items.push_back(*std::move(value));
  }
  return Value(mapped);
}

Result<Value> MapOf(Runtime& runtime, const Value& self,
                    const Arguments& arguments) {
  if (!Truth(self)) return runtime.NewGenerator({});  // None, too
  if (arguments.positional.empty()) {
    BRAID_ASSIGN(const Bindings bound,
                 Bind("map", {"attribute", "default"}, arguments));
    if (!bound[0].has_value()) return Error{"map needs a filter or attribute"};
    return Mapped(runtime, self, [&](const Value& element) -> Result<Value> {
      BRAID_ASSIGN(Value part, Path(runtime, element, *bound[0]));
      return IsUndefined(part) && Given(bound[1]) ? *bound[1] : part;
    });
  }
  const Text* name = AsText(arguments.positional[0]);
  const Function filter =
      name == nullptr ? nullptr : FindFilter(BytesOf(*name));
  if (filter == nullptr) return Error{"map: there is no such filter"};
  const Arguments rest = Without(arguments, 1);
  const Runtime::Level level(runtime);
  BRAID_TRY(level.status());
  return Mapped(runtime, self, [&](const Value& element) {
    return filter(runtime, element, rest);
  });
}

// select, reject, selectattr and rejectattr: the elements that pass a test (by
// default, that are true), or those that do not.
template <bool by_attribute, bool keep>
Result<Value> SelectOf(Runtime& runtime, const Value& self,
                       const Arguments& arguments) {
  if (!Truth(self)) return runtime.NewGenerator({});  // None, too
  const size_t own = by_attribute ? 1 : 0;
  const Values& given = arguments.positional;
  if (given.size() < own) return Error{"selectattr needs an attribute"};
  Function test = nullptr;
  if (given.size() > own) {
    const Text* name = AsText(given[own]);
    test = name == nullptr ? nullptr : FindPredicate(BytesOf(*name));
    if (test == nullptr) return Error{"select: there is no such test"};
  } else if (!arguments.named.empty()) {
    return Error{"select: arguments without a test"};
  }
  const Arguments rest = Without(arguments, std::min(own + 1, given.size()));
  BRAID_ASSIGN(const Values elements, Elements(runtime, self));
  auto* selected = runtime.New<Sequence>();
  selected->kind = Sequence::Kind::kGenerator;
  for (const Value& element : elements) {
    auto part = by_attribute ? Path(runtime, element, given[0])
                             : Result<Value>(element);
    if (part.ok() && test != nullptr) part = test(runtime, *part, rest);
    if (!part.ok()) {
      selected->failure = part.error().message;
      break;
    }
    if (Truth(*part) == keep) selected->items.push_back(element);
  }
  return Value(selected);
}

// A generator finds out what is wrong when it is walked, not when it is made.
template <Function function>
Result<Value> Lazy(Runtime& runtime, const Value& self,
                   const Arguments& arguments) {
  auto result = function(runtime, self, arguments);
  if (result.ok()) return result;
  auto* failed = runtime.New<Sequence>();
  failed->kind = Sequence::Kind::kGenerator;
  failed->failure = result.error().message;
  return Value(failed);
}

constexpr NamedFilter kFilters[] = {
    {"dictsort", FilterDictSort},
    {"first", FilterFirst},
    {"items", Lazy<ItemsOf>},
    {"join", FilterJoin},
    {"last", FilterLast},
    {"list", FilterList},
    {"map", Lazy<MapOf>},
    {"max", FilterExtreme<true>},
    {"min", FilterExtreme<false>},
    {"reject", Lazy<SelectOf<false, false>>},
    {"rejectattr", Lazy<SelectOf<true, false>>},
    {"reverse", FilterReverse},
    {"select", Lazy<SelectOf<false, true>>},
    {"selectattr", Lazy<SelectOf<true, true>>},
    {"sort", FilterSort},
    {"sum", FilterSum},
    {"unique", Lazy<UniqueOf>},
};

}  // namespace

std::span<const NamedFilter> ElementFilters() { return kFilters; }

}  // namespace braid::chat
