#include "chat/operators.h"

#include <algorithm>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "chat/arithmetic.h"
#include "chat/python_text.h"

namespace braid::chat {

namespace {

bool IsNumber(const Value& value) {
  return AsInteger(value).has_value() || std::holds_alternative<double>(value);
}

// Exact for integers and doubles alike: it has 64 bits of precision.
long double AsNumber(const Value& value) {
  if (const auto* real = std::get_if<double>(&value)) return *real;
  return static_cast<long double>(*AsInteger(value));
}

Result<bool> EqualItems(Runtime& runtime, const Values& a, const Values& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    BRAID_ASSIGN(const bool equal, Equal(runtime, a[i], b[i]));
    if (!equal) return false;
  }
  return true;
}

Result<bool> EqualDicts(Runtime& runtime, const Dict& a, const Dict& b) {
  if (a.items.size() != b.items.size()) return false;
  for (const auto& [key, value] : a.items) {
    BRAID_ASSIGN(const Value* const other, Find(runtime, b, key));
    if (other == nullptr) return false;
    BRAID_ASSIGN(const bool equal, Equal(runtime, value, *other));
    if (!equal) return false;
  }
  return true;
}

// Lists and tuples: the first items that differ decide, else the length.
Result<bool> LessItems(Runtime& runtime, const Values& a, const Values& b,
                       bool or_equal) {
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    BRAID_ASSIGN(const bool equal, Equal(runtime, a[i], b[i]));
    if (!equal) return Less(runtime, a[i], b[i], or_equal);
  }
  return or_equal ? a.size() <= b.size() : a.size() < b.size();
}

Result<bool> ContainsText(const Text& container, const Value& item) {
  const Text* part = AsText(item);
  if (part == nullptr) {
    return Error{Format("'in' of a str needs a str, not {}", TypeName(item))};
  }
  return container.find(*part) != Text::npos;
}

Result<Value> Joined(Runtime& runtime, const Sequence& a, const Sequence& b) {
  BRAID_TRY(runtime.Spend(a.items.size() + b.items.size()));
  Values items = a.items;
  items.insert(items.end(), b.items.begin(), b.items.end());
  return runtime.NewSequence(a.kind, std::move(items));
}

// With a safe text, the other side is escaped.
Result<Value> JoinedTexts(Runtime& runtime, const Value& a, const Value& b) {
  const bool markup = IsMarkup(a) || IsMarkup(b);
  const auto side = [&](const Value& value) {
    return markup && !IsMarkup(value) ? EscapedHtml(*AsText(value))
                                      : *AsText(value);
  };
  return runtime.NewString(side(a) + side(b), markup);
}

Result<Value> Repeated(Runtime& runtime, const Value& value, int64_t times) {
  const auto count = static_cast<size_t>(std::max<int64_t>(times, 0));
  if (const Text* text = AsText(value)) {
    const auto most = static_cast<size_t>(runtime.limits().characters);
    if (!text->empty() && count > most / text->size()) {
      return Error{Format("more than {} characters", most)};
    }
    Text whole;
    whole.reserve(text->size() * count);
    for (size_t i = 0; !text->empty() && i < count; ++i) whole += *text;
    return runtime.NewString(std::move(whole), IsMarkup(value));
  }
  const auto* sequence = As<Sequence>(value);
  Values items;
  for (size_t i = 0; !sequence->items.empty() && i < count; ++i) {
    BRAID_TRY(runtime.Spend(sequence->items.size()));
    items.insert(items.end(), sequence->items.begin(), sequence->items.end());
  }
  return runtime.NewSequence(sequence->kind, std::move(items));
}

bool IsListOrTuple(const Value& value) {
  const auto* sequence = As<Sequence>(value);
  return sequence != nullptr && (sequence->kind == Sequence::Kind::kList ||
                                 sequence->kind == Sequence::Kind::kTuple);
}

bool CanRepeat(const Value& value) {
  return AsText(value) != nullptr || IsListOrTuple(value);
}

}  // namespace

bool Truth(const Value& value) {
  if (const Text* text = AsText(value)) return !text->empty();
  if (const auto* real = std::get_if<double>(&value)) return *real != 0;
  if (const auto integer = AsInteger(value)) return *integer != 0;
  if (const auto* dict = As<Dict>(value)) return !dict->items.empty();
  if (const auto* sequence = As<Sequence>(value)) {
    return sequence->kind == Sequence::Kind::kGenerator ||
           !sequence->items.empty();
  }
  if (const auto* loop = As<Loop>(value)) return loop->length != 0;
  return !IsUndefined(value) && !IsNone(value);
}

std::optional<int64_t> AsInteger(const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return *integer;
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? 1 : 0;
  return {};
}

Status CheckDefined(const Value& value) {
  const auto* undefined = std::get_if<Undefined>(&value);
  if (undefined == nullptr) return {};
  return Error{undefined->why == nullptr ? "a value is undefined"
                                         : *undefined->why};
}

Result<bool> Equal(Runtime& runtime, const Value& a, const Value& b) {
  const Runtime::Level level(runtime);
  BRAID_TRY(level.status());
  BRAID_TRY(runtime.Spend(1));
  if (IsNumber(a) && IsNumber(b)) return AsNumber(a) == AsNumber(b);
  if (a.index() != b.index()) return false;
  if (const Text* text = AsText(a)) {
    BRAID_TRY(runtime.Spend(text->size() / 64));
    return *text == *AsText(b);
  }
  if (const auto* dict = As<Dict>(a)) {
    return EqualDicts(runtime, *dict, *As<Dict>(b));
  }
  if (const auto* sequence = As<Sequence>(a)) {
    const auto* other = As<Sequence>(b);
    if (sequence == other) return true;
    if (sequence->kind != other->kind ||
        sequence->kind > Sequence::Kind::kRange)
      return false;
    return EqualItems(runtime, sequence->items, other->items);
  }
  if (IsNone(a) || IsUndefined(a)) return true;
  return As<Namespace>(a) == As<Namespace>(b) &&
         As<Callable>(a) == As<Callable>(b) && As<Loop>(a) == As<Loop>(b);
}

Result<bool> Less(Runtime& runtime, const Value& a, const Value& b,
                  bool or_equal) {
  const Runtime::Level level(runtime);
  BRAID_TRY(level.status());
  BRAID_TRY(runtime.Spend(1));
  BRAID_TRY(CheckDefined(a));
  BRAID_TRY(CheckDefined(b));
  if (IsNumber(a) && IsNumber(b)) {
    return or_equal ? AsNumber(a) <= AsNumber(b) : AsNumber(a) < AsNumber(b);
  }
  const Text* left = AsText(a);
  const Text* right = AsText(b);
  if (left != nullptr && right != nullptr) {
    return or_equal ? *left <= *right : *left < *right;
  }
  if (IsListOrTuple(a) && IsListOrTuple(b) &&
      As<Sequence>(a)->kind == As<Sequence>(b)->kind) {
    return LessItems(runtime, As<Sequence>(a)->items, As<Sequence>(b)->items,
                     or_equal);
  }
  return Error{Format("{} and {} have no order", TypeName(a), TypeName(b))};
}

Result<bool> Contains(Runtime& runtime, const Value& container,
                      const Value& item) {
  if (const Text* text = AsText(container)) {
    BRAID_TRY(runtime.Spend(text->size() / 16));
    return ContainsText(*text, item);
  }
  if (const auto* dict = As<Dict>(container)) {
    BRAID_ASSIGN(const Value* const found, Find(runtime, *dict, item));
    return found != nullptr;
  }
  BRAID_ASSIGN(const Values elements, Elements(runtime, container));
  for (const Value& element : elements) {
    BRAID_ASSIGN(const bool equal, Equal(runtime, element, item));
    if (equal) return true;
  }
  return false;
}

Result<bool> Compares(Runtime& runtime, Operator op, const Value& a,
                      const Value& b) {
  bool opposite = false;
  auto result = [&]() -> Result<bool> {
    switch (op) {
      case Operator::kNotEqual:
        opposite = true;
        return Equal(runtime, a, b);
      case Operator::kEqual:
        return Equal(runtime, a, b);
      case Operator::kLess:
        return Less(runtime, a, b);
      case Operator::kLessEqual:
        return Less(runtime, a, b, true);
      case Operator::kGreater:
        return Less(runtime, b, a);
      case Operator::kGreaterEqual:
        return Less(runtime, b, a, true);
      case Operator::kNotIn:
        opposite = true;
        return Contains(runtime, b, a);
      default:
        return Contains(runtime, b, a);
    }
  }();
  if (!result.ok()) return result.error();
  return *result != opposite;
}

Result<Value> Calculate(Runtime& runtime, Operator op, const Value& a,
                        const Value& b) {
  BRAID_TRY(CheckDefined(a));
  BRAID_TRY(CheckDefined(b));
  if (IsNumber(a) && IsNumber(b)) return CalculateNumbers(op, a, b);
  if (op == Operator::kAdd) {
    if (AsText(a) != nullptr && AsText(b) != nullptr) {
      return JoinedTexts(runtime, a, b);
    }
    if (IsListOrTuple(a) && IsListOrTuple(b) &&
        As<Sequence>(a)->kind == As<Sequence>(b)->kind) {
      return Joined(runtime, *As<Sequence>(a), *As<Sequence>(b));
    }
  }
  if (op == Operator::kMultiply) {
    const auto times = AsInteger(b);
    if (CanRepeat(a) && times.has_value()) return Repeated(runtime, a, *times);
    const auto before = AsInteger(a);
    if (CanRepeat(b) && before.has_value()) {
      return Repeated(runtime, b, *before);
    }
  }
  if (op == Operator::kModulo && AsText(a) != nullptr) {
    return PercentFormat(runtime, a, b);
  }
  return Error{Format("'{}' is not possible with {} and {}", NameOf(op),
                      TypeName(a), TypeName(b))};
}

Result<Value> Negated(const Value& value) {
  BRAID_TRY(CheckDefined(value));
  if (!IsNumber(value)) {
    return Error{Format("'-' is not possible with {}", TypeName(value))};
  }
  if (const auto* real = std::get_if<double>(&value)) return Value(-*real);
  return CalculateNumbers(Operator::kSubtract, Value(int64_t{0}), value);
}

Result<Values> Elements(Runtime& runtime, const Value& value) {
  Values elements;
  if (const Text* text = AsText(value)) {
    for (const char32_t c : *text) elements.push_back(MakeString(Text(1, c)));
  } else if (const auto* dict = As<Dict>(value)) {
    for (const auto& item : dict->items) elements.push_back(item.first);
  } else if (auto* sequence = As<Sequence>(value)) {
    if (!sequence->failure.empty()) return Error{sequence->failure};
    if (sequence->kind == Sequence::Kind::kGenerator) {
      elements = std::exchange(sequence->items, {});
    } else {
      elements = sequence->items;
    }
  } else if (!IsUndefined(value)) {
    return Error{Format("{} cannot be walked over", TypeName(value))};
  }
  BRAID_TRY(runtime.Spend(elements.size()));
  return elements;
}

Result<int64_t> Length(const Value& value) {
  if (const Text* text = AsText(value)) {
    return static_cast<int64_t>(text->size());
  }
  if (const auto* dict = As<Dict>(value)) {
    return static_cast<int64_t>(dict->items.size());
  }
  const auto* sequence = As<Sequence>(value);
  if (sequence != nullptr && sequence->kind != Sequence::Kind::kGenerator) {
    return static_cast<int64_t>(sequence->items.size());
  }
  if (const auto* loop = As<Loop>(value)) return loop->length;
  if (IsUndefined(value)) return int64_t{0};
  return Error{Format("{} has no length", TypeName(value))};
}

Result<const Value*> Find(Runtime& runtime, const Dict& dict,
                          const Value& key) {
  if (As<Dict>(key) != nullptr ||
      (As<Sequence>(key) != nullptr &&
       As<Sequence>(key)->kind == Sequence::Kind::kList)) {
    return Error{Format("{} cannot be a key", TypeName(key))};
  }
  const Text* wanted = AsText(key);
  BRAID_TRY(runtime.Spend(1 + dict.items.size() / 8));
  for (const auto& [have, value] : dict.items) {
    if (wanted != nullptr) {
      const Text* text = AsText(have);
      if (text != nullptr && *text == *wanted) return &value;
      continue;
    }
    BRAID_ASSIGN(const bool equal, Equal(runtime, have, key));
    if (equal) return &value;
  }
  return nullptr;
}

Status Set(Runtime& runtime, Dict& dict, const Value& key, const Value& value) {
  BRAID_ASSIGN(const Value* const found, Find(runtime, dict, key));
  if (found == nullptr) {
    dict.items.emplace_back(key, value);
    runtime.Charge(sizeof(dict.items.back()));
    return {};
  }
  for (auto& item : dict.items) {
    if (&item.second == found) item.second = value;
  }
  return {};
}

}  // namespace braid::chat
