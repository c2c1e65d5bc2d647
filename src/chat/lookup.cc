#include "chat/lookup.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "chat/methods.h"
#include "chat/operators.h"

namespace braid::chat {

namespace {

Value Missing(const Value& value, std::string_view name) {
  return MakeUndefined(Format("{} has no '{}'", TypeName(value), name));
}

// What Python's getattr finds.
std::optional<Value> FindAttribute(Runtime& runtime, const Value& value,
                                   std::string_view name) {
  if (AsText(value) == nullptr) return FindMember(runtime, value, name);
  const Function method = FindStringMethod(name);
  if (method == nullptr) return {};
  return runtime.NewMethod(name, method, value);
}

Result<std::optional<Value>> FindByIndex(Runtime& runtime, const Value& value,
                                         int64_t index) {
  const Text* text = AsText(value);
  const auto* sequence = As<Sequence>(value);
  if (sequence != nullptr && sequence->kind > Sequence::Kind::kRange) {
    sequence = nullptr;
  }
  if (text == nullptr && sequence == nullptr) return std::optional<Value>();
  const auto size = static_cast<int64_t>(
      text != nullptr ? text->size() : sequence->items.size());
  const int64_t at = index < 0 ? index + size : index;
  if (at < 0 || at >= size) return std::optional<Value>();
  if (sequence != nullptr) {
    return std::optional(sequence->items[static_cast<size_t>(at)]);
  }
  BRAID_ASSIGN(Value character,
               runtime.NewString(Text(1, (*text)[static_cast<size_t>(at)]),
                                 IsMarkup(value)));
  return std::optional(std::move(character));
}

struct Bounds {
  int64_t first;
  int64_t step;
  int64_t count;
};

// As Python clips the bounds of a slice of `size` items; step is not 0.
Bounds Clipped(std::optional<int64_t> first, std::optional<int64_t> last,
               int64_t step, int64_t size) {
  const int64_t low = step < 0 ? -1 : 0;
  const int64_t high = step < 0 ? size - 1 : size;
  const auto clip = [&](int64_t bound) {
    if (bound < 0) bound = bound < -size ? low : bound + size;
    return std::clamp(bound, low, high);
  };
  const int64_t from = first.has_value() ? clip(*first) : step < 0 ? high : low;
  const int64_t to = last.has_value() ? clip(*last) : step < 0 ? low : high;
  const int64_t length = step < 0 ? from - to : to - from;
  // The step may be the least of all integers, which has no opposite.
  const uint64_t stride = step < 0 ? uint64_t{0} - static_cast<uint64_t>(step)
                                   : static_cast<uint64_t>(step);
  if (length <= 0) return {from, step, 0};
  return {
      from, step,
      static_cast<int64_t>((static_cast<uint64_t>(length) - 1) / stride) + 1};
}

Result<Value> Sliced(Runtime& runtime, const Value& value,
                     const Bounds& bounds) {
  BRAID_TRY(runtime.Spend(static_cast<size_t>(bounds.count) / 8));
  const auto at = [&](int64_t i) {
    return static_cast<size_t>(bounds.first + i * bounds.step);
  };
  if (const Text* text = AsText(value)) {
    Text part;
    part.reserve(static_cast<size_t>(bounds.count));
    for (int64_t i = 0; i < bounds.count; ++i) part.push_back((*text)[at(i)]);
    return runtime.NewString(std::move(part), IsMarkup(value));
  }
  const auto* sequence = As<Sequence>(value);
  if (sequence->kind == Sequence::Kind::kRange) {
    return Error{"a slice of a range is not supported"};
  }
  Values items;
  for (int64_t i = 0; i < bounds.count; ++i) {
    items.push_back(sequence->items[at(i)]);
  }
  return runtime.NewSequence(sequence->kind, std::move(items));
}

}  // namespace

Result<Value> GetAttribute(Runtime& runtime, const Value& value,
                           std::string_view name) {
  BRAID_TRY(CheckDefined(value));
  if (auto found = FindAttribute(runtime, value, name)) return *found;
  if (const auto* dict = As<Dict>(value)) {
    BRAID_ASSIGN(const Value* const item,
                 Find(runtime, *dict, MakeString(TextOf(name))));
    if (item != nullptr) return *item;
  }
  return Missing(value, name);
}

Result<Value> GetItem(Runtime& runtime, const Value& value,
                      const Value& index) {
  BRAID_TRY(CheckDefined(value));
  if (const auto* dict = As<Dict>(value)) {
    const auto item = Find(runtime, *dict, index);
    if (item.ok() && *item != nullptr) return **item;
    // What cannot be a key is not there; used up steps are an error.
    BRAID_TRY(runtime.Spend(0));
  } else if (const auto integer = AsInteger(index)) {
    BRAID_ASSIGN(const auto item, FindByIndex(runtime, value, *integer));
    if (item.has_value()) return *item;
    return Missing(value, Format("{}", *integer));
  }
  const Text* name = AsText(index);
  if (name == nullptr) return Missing(value, TypeName(index));
  const std::string bytes = BytesOf(*name);
  if (auto found = FindAttribute(runtime, value, bytes)) return *found;
  return Missing(value, bytes);
}

Result<Value> GetSlice(Runtime& runtime, const Value& value, const Value& first,
                       const Value& last, const Value& step) {
  BRAID_TRY(CheckDefined(value));
  const auto* sequence = As<Sequence>(value);
  const bool can =
      AsText(value) != nullptr ||
      (sequence != nullptr && sequence->kind <= Sequence::Kind::kRange);
  if (!can) return Error{Format("{} has no slices", TypeName(value))};
  for (const Value* bound : {&first, &last, &step}) {
    if (!IsNone(*bound) && !AsInteger(*bound).has_value()) {
      return Error{Format("the bound of a slice is {}", TypeName(*bound))};
    }
  }
  const int64_t stride = AsInteger(step).value_or(1);
  if (stride == 0) return Error{"the step of a slice is 0"};
  BRAID_ASSIGN(const int64_t size, Length(value));
  return Sliced(runtime, value,
                Clipped(AsInteger(first), AsInteger(last), stride, size));
}

}  // namespace braid::chat
