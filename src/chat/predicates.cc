#include "chat/predicates.h"

#include <cstdint>

#include "base/format.h"
#include "base/try.h"
#include "chat/arithmetic.h"
#include "chat/filters.h"
#include "chat/methods.h"
#include "chat/operators.h"

namespace braid::chat {

namespace {

bool IsDefined(const Value& value) { return !IsUndefined(value); }
bool IsBoolean(const Value& value) {
  return std::holds_alternative<bool>(value);
}
bool IsTrue(const Value& value) { return IsBoolean(value) && Truth(value); }
bool IsFalse(const Value& value) { return IsBoolean(value) && !Truth(value); }
bool IsInteger(const Value& value) {
  return std::holds_alternative<int64_t>(value);
}
bool IsFloat(const Value& value) {
  return std::holds_alternative<double>(value);
}
bool IsNumber(const Value& value) {
  return IsBoolean(value) || IsInteger(value) || IsFloat(value);
}
bool IsString(const Value& value) { return AsText(value) != nullptr; }
bool IsMapping(const Value& value) { return As<Dict>(value) != nullptr; }
bool IsIterable(const Value& value) {
  return IsString(value) || IsMapping(value) || IsUndefined(value) ||
         As<Sequence>(value) != nullptr;
}
// What has a length and items by index; Jinja counts dicts, too.
bool IsSequence(const Value& value) {
  const auto* sequence = As<Sequence>(value);
  return IsString(value) || IsMapping(value) || IsUndefined(value) ||
         (sequence != nullptr && sequence->kind <= Sequence::Kind::kRange);
}
bool IsCallable(const Value& value) {
  return As<Callable>(value) != nullptr || IsUndefined(value);
}

template <bool (*predicate)(const Value&)>
Result<Value> Simple(Runtime&, const Value& self, const Arguments& arguments) {
  BRAID_TRY(Bind("the test", {}, arguments));
  return Value(predicate(self));
}

// The only argument of a test.
Result<Value> Other(std::string_view test, const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind(test, {"other"}, arguments));
  if (!bound[0].has_value()) return Error{Format("{} needs a value", test)};
  return *bound[0];
}

template <Operator op>
Result<Value> Comparison(Runtime& runtime, const Value& self,
                         const Arguments& arguments) {
  BRAID_ASSIGN(const Value other, Other(NameOf(op), arguments));
  BRAID_ASSIGN(const bool truth, Compares(runtime, op, self, other));
  return Value(truth);
}

Result<Value> DivisibleBy(Runtime& runtime, const Value& self,
                          const Arguments& arguments) {
  BRAID_ASSIGN(const Value other, Other("divisibleby", arguments));
  BRAID_ASSIGN(const Value rest,
               Calculate(runtime, Operator::kModulo, self, other));
  BRAID_ASSIGN(const bool none, Equal(runtime, rest, Value(int64_t{0})));
  return Value(none);
}

template <int64_t remainder>
Result<Value> Parity(Runtime& runtime, const Value& self,
                     const Arguments& arguments) {
  BRAID_TRY(Bind("the test", {}, arguments));
  BRAID_ASSIGN(const Value rest,
               Calculate(runtime, Operator::kModulo, self, Value(int64_t{2})));
  BRAID_ASSIGN(const bool same, Equal(runtime, rest, Value(remainder)));
  return Value(same);
}

// Are they one and the same? Equal scalars of one type are.
Result<Value> SameAs(Runtime& runtime, const Value& self,
                     const Arguments& arguments) {
  BRAID_ASSIGN(const Value other, Other("sameas", arguments));
  if (self.index() != other.index()) return Value(false);
  if (const auto* sequence = As<Sequence>(self)) {
    return Value(sequence == As<Sequence>(other));
  }
  if (const auto* dict = As<Dict>(self)) return Value(dict == As<Dict>(other));
  BRAID_ASSIGN(const bool equal, Equal(runtime, self, other));
  return Value(equal);
}

Result<Value> CaseOf(Runtime& runtime, const Value& self,
                     const Arguments& arguments, std::string_view method) {
  BRAID_TRY(Bind("the test", {}, arguments));
  const Function convert = FindFilter("string");
  BRAID_ASSIGN(const Value text, convert(runtime, self, {}));
  return FindStringMethod(method)(runtime, text, {});
}

Result<Value> IsLowerCase(Runtime& runtime, const Value& self,
                          const Arguments& arguments) {
  return CaseOf(runtime, self, arguments, "islower");
}

Result<Value> IsUpperCase(Runtime& runtime, const Value& self,
                          const Arguments& arguments) {
  return CaseOf(runtime, self, arguments, "isupper");
}

Result<Value> IsFilterName(Runtime&, const Value& self,
                           const Arguments& arguments) {
  BRAID_TRY(Bind("the test", {}, arguments));
  const Text* name = AsText(self);
  return Value(name != nullptr && FindFilter(BytesOf(*name)) != nullptr);
}

Result<Value> IsTestName(Runtime&, const Value& self,
                         const Arguments& arguments) {
  BRAID_TRY(Bind("the test", {}, arguments));
  const Text* name = AsText(self);
  return Value(name != nullptr && FindPredicate(BytesOf(*name)) != nullptr);
}

struct Predicate {
  std::string_view name;
  Function function;
};

constexpr Predicate kPredicates[] = {
    {"!=", Comparison<Operator::kNotEqual>},
    {"<", Comparison<Operator::kLess>},
    {"<=", Comparison<Operator::kLessEqual>},
    {"==", Comparison<Operator::kEqual>},
    {">", Comparison<Operator::kGreater>},
    {">=", Comparison<Operator::kGreaterEqual>},
    {"boolean", Simple<IsBoolean>},
    {"callable", Simple<IsCallable>},
    {"defined", Simple<IsDefined>},
    {"divisibleby", DivisibleBy},
    {"eq", Comparison<Operator::kEqual>},
    {"equalto", Comparison<Operator::kEqual>},
    {"escaped", Simple<IsMarkup>},
    {"even", Parity<0>},
    {"false", Simple<IsFalse>},
    {"filter", IsFilterName},
    {"float", Simple<IsFloat>},
    {"ge", Comparison<Operator::kGreaterEqual>},
    {"greaterthan", Comparison<Operator::kGreater>},
    {"gt", Comparison<Operator::kGreater>},
    {"in", Comparison<Operator::kIn>},
    {"integer", Simple<IsInteger>},
    {"iterable", Simple<IsIterable>},
    {"le", Comparison<Operator::kLessEqual>},
    {"lessthan", Comparison<Operator::kLess>},
    {"lower", IsLowerCase},
    {"lt", Comparison<Operator::kLess>},
    {"mapping", Simple<IsMapping>},
    {"ne", Comparison<Operator::kNotEqual>},
    {"none", Simple<IsNone>},
    {"number", Simple<IsNumber>},
    {"odd", Parity<1>},
    {"sameas", SameAs},
    {"sequence", Simple<IsSequence>},
    {"string", Simple<IsString>},
    {"test", IsTestName},
    {"true", Simple<IsTrue>},
    {"undefined", Simple<IsUndefined>},
    {"upper", IsUpperCase},
};

}  // namespace

Function FindPredicate(std::string_view name) {
  for (const Predicate& predicate : kPredicates) {
    if (predicate.name == name) return predicate.function;
  }
  return nullptr;
}

}  // namespace braid::chat
