#include <cstdint>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "chat/globals.h"
#include "chat/interpreter.h"
#include "chat/lookup.h"
#include "chat/operators.h"
#include "chat/python_text.h"

namespace braid::chat {

using Kind = Expression::Kind;

Result<Value> Interpreter::Evaluate(const Expression& expression,
                                    Scope& scope) {
  const Runtime::Level level(runtime_);
  const auto evaluate = [&]() -> Result<Value> {
    BRAID_TRY(level.status());
    BRAID_TRY(runtime_.Spend(1));
    return Dispatch(expression, scope);
  };
  return Located(evaluate(), expression.place);
}

Result<Value> Interpreter::Dispatch(const Expression& expression,
                                    Scope& scope) {
  switch (expression.kind) {
    case Kind::kConstant:
      return expression.constant;
    case Kind::kName:
      return EvaluateName(expression, scope);
    case Kind::kSlice:
      return EvaluateSlice(expression, scope);
    case Kind::kCall:
      return EvaluateCall(expression, scope);
    case Kind::kAnd:
    case Kind::kOr:
      return EvaluateLogic(expression, scope);
    case Kind::kConditional:
      return EvaluateConditional(expression, scope);
    case Kind::kCompare:
      return EvaluateComparison(expression, scope);
    case Kind::kConcatenate:
      return EvaluateConcatenation(expression, scope);
    case Kind::kDict:
      return EvaluateDict(expression, scope);
    case Kind::kList: {
      BRAID_ASSIGN(Values items, EvaluateAll(expression, 0, scope));
      return runtime_.NewList(std::move(items));
    }
    case Kind::kTuple: {
      BRAID_ASSIGN(Values items, EvaluateAll(expression, 0, scope));
      return runtime_.NewTuple(std::move(items));
    }
    default:
      break;
  }
  BRAID_ASSIGN(const Value value, Evaluate(*expression.operands[0], scope));
  switch (expression.kind) {
    case Kind::kAttribute:
      return GetAttribute(runtime_, value, expression.name);
    case Kind::kItem: {
      BRAID_ASSIGN(const Value index, Evaluate(*expression.operands[1], scope));
      return GetItem(runtime_, value, index);
    }
    case Kind::kBinary: {
      BRAID_ASSIGN(const Value right, Evaluate(*expression.operands[1], scope));
      return Calculate(runtime_, expression.operators[0], value, right);
    }
    case Kind::kNot:
      return Value(!Truth(value));
    case Kind::kNegate:
      return Negated(value);
    case Kind::kPlus:
      // Of what is no number this is the same error.
      BRAID_TRY(Negated(value));
      if (std::holds_alternative<double>(value)) return value;
      return Value(*AsInteger(value));
    default:
      return Apply(expression, value, scope);
  }
}

Result<Value> Interpreter::EvaluateName(const Expression& expression,
                                        Scope& scope) {
  if (const Value* value = scope.Find(expression.name)) return *value;
  if (const Function function = FindGlobal(expression.name)) {
    return runtime_.NewMethod(expression.name, function, None{});
  }
  return MakeUndefined(Format("'{}' is undefined", expression.name));
}

Result<Value> Interpreter::EvaluateSlice(const Expression& expression,
                                         Scope& scope) {
  Values parts;
  for (const Expression* operand : expression.operands) {
    Value part = None{};
    if (operand != nullptr) {
      BRAID_ASSIGN(part, Evaluate(*operand, scope));
    }
    parts.push_back(std::move(part));
  }
  return GetSlice(runtime_, parts[0], parts[1], parts[2], parts[3]);
}

Result<Value> Interpreter::EvaluateCall(const Expression& expression,
                                        Scope& scope) {
  BRAID_ASSIGN(const Value callee, Evaluate(*expression.operands[0], scope));
  BRAID_ASSIGN(const Arguments arguments, EvaluateArguments(expression, scope));
  return Call(callee, arguments);
}

Result<Value> Interpreter::Apply(const Expression& expression,
                                 const Value& input, Scope& scope) {
  if (expression.function == nullptr) {
    return Error{Format("there is no {} '{}'",
                        expression.kind == Kind::kFilter ? "filter" : "test",
                        expression.name)};
  }
  BRAID_ASSIGN(const Arguments arguments, EvaluateArguments(expression, scope));
  return expression.function(runtime_, input, arguments);
}

Result<Value> Interpreter::ApplyAll(const Expression* filters, Value input,
                                    Scope& scope) {
  std::vector<const Expression*> inner_first;
  for (; filters != nullptr; filters = filters->operands[0]) {
    inner_first.insert(inner_first.begin(), filters);
  }
  for (const Expression* filter : inner_first) {
    BRAID_ASSIGN(input, Apply(*filter, input, scope));
  }
  return input;
}

// Gives the operand that decides.
Result<Value> Interpreter::EvaluateLogic(const Expression& expression,
                                         Scope& scope) {
  BRAID_ASSIGN(Value left, Evaluate(*expression.operands[0], scope));
  if (Truth(left) == (expression.kind == Kind::kOr)) return left;
  return Evaluate(*expression.operands[1], scope);
}

Result<Value> Interpreter::EvaluateConditional(const Expression& expression,
                                               Scope& scope) {
  BRAID_ASSIGN(const Value condition, Evaluate(*expression.operands[0], scope));
  if (Truth(condition)) return Evaluate(*expression.operands[1], scope);
  if (expression.operands[2] != nullptr) {
    return Evaluate(*expression.operands[2], scope);
  }
  return MakeUndefined("a condition without 'else' was false");
}

Result<Value> Interpreter::EvaluateComparison(const Expression& expression,
                                              Scope& scope) {
  BRAID_ASSIGN(Value left, Evaluate(*expression.operands[0], scope));
  for (size_t i = 0; i < expression.operators.size(); ++i) {
    BRAID_ASSIGN(Value right, Evaluate(*expression.operands[i + 1], scope));
    BRAID_ASSIGN(const bool truth,
                 Compares(runtime_, expression.operators[i], left, right));
    if (!truth) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Result<Value> Interpreter::EvaluateConcatenation(const Expression& expression,
                                                 Scope& scope) {
  BRAID_ASSIGN(const Values parts, EvaluateAll(expression, 0, scope));
  Text whole;
  for (const Value& part : parts) {
    if (const Text* text = AsText(part)) {
      whole += *text;
    } else {
      BRAID_ASSIGN(const Text shown, ToText(runtime_, part));
      whole += shown;
    }
  }
  return runtime_.NewString(std::move(whole));
}

Result<Value> Interpreter::EvaluateDict(const Expression& expression,
                                        Scope& scope) {
  BRAID_ASSIGN(const Values parts, EvaluateAll(expression, 0, scope));
  auto* dict = runtime_.New<Dict>();
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    BRAID_TRY(Set(runtime_, *dict, parts[i], parts[i + 1]));
  }
  return Value(dict);
}

Result<Values> Interpreter::EvaluateAll(const Expression& expression,
                                        size_t from, Scope& scope) {
  Values values;
  for (size_t i = from; i < expression.operands.size(); ++i) {
    BRAID_ASSIGN(Value value, Evaluate(*expression.operands[i], scope));
    values.push_back(std::move(value));
  }
  return values;
}

Result<Arguments> Interpreter::EvaluateArguments(const Expression& expression,
                                                 Scope& scope) {
  Arguments arguments;
  BRAID_ASSIGN(arguments.positional, EvaluateAll(expression, 1, scope));
  for (const auto& [name, operand] : expression.named) {
    BRAID_ASSIGN(Value value, Evaluate(*operand, scope));
    arguments.named.emplace_back(name, std::move(value));
  }
  if (expression.more_positional != nullptr) {
    BRAID_ASSIGN(const Value more,
                 Evaluate(*expression.more_positional, scope));
    BRAID_ASSIGN(const Values elements, Elements(runtime_, more));
    arguments.positional.insert(arguments.positional.end(), elements.begin(),
                                elements.end());
  }
  if (expression.more_named != nullptr) {
    BRAID_ASSIGN(const Value more, Evaluate(*expression.more_named, scope));
    const auto* dict = As<Dict>(more);
    if (dict == nullptr) {
      return Error{Format("'**' needs a dict, not {}", TypeName(more))};
    }
    for (const auto& [key, value] : dict->items) {
      if (AsText(key) == nullptr) {
        return Error{"a name of an argument is no str"};
      }
      arguments.named.emplace_back(BytesOf(*AsText(key)), value);
    }
  }
  return arguments;
}

}  // namespace braid::chat
