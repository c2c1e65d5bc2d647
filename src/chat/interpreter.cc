#include "chat/interpreter.h"

#include <algorithm>
#include <cstdint>

#include "base/format.h"
#include "base/try.h"
#include "chat/lexer.h"
#include "chat/operators.h"
#include "chat/python_text.h"

namespace braid::chat {

Result<Text> Interpreter::Run(const Syntax& syntax) {
  Text output;
  output_ = &output;
  const auto flow = RunBlock(syntax.body, NewScope(variables_));
  if (!flow.ok()) return ErrorAt(place_, flow.error().message);
  return output;
}

Scope& Interpreter::NewScope(const Scope& parent) {
  auto* scope = runtime_.New<Scope>();
  scope->set_parent(&parent);
  return *scope;
}

Result<Interpreter::Flow> Interpreter::RunBlock(const Block& block,
                                                Scope& scope) {
  for (const Statement* statement : block) {
    BRAID_ASSIGN(const Flow flow, RunStatement(*statement, scope));
    if (flow != Flow::kOn) return flow;
  }
  return Flow::kOn;
}

Result<Interpreter::Flow> Interpreter::RunStatement(const Statement& statement,
                                                    Scope& scope) {
  const Runtime::Level level(runtime_);
  const auto run = [&]() -> Result<Flow> {
    BRAID_TRY(level.status());
    BRAID_TRY(runtime_.Spend(1));
    return Dispatch(statement, scope);
  };
  return Located(run(), statement.place);
}

Result<Interpreter::Flow> Interpreter::Dispatch(const Statement& statement,
                                                Scope& scope) {
  Flow flow = Flow::kOn;
  switch (statement.kind) {
    case Statement::Kind::kText:
      BRAID_TRY(Write(*AsText(statement.text)));
      return flow;
    case Statement::Kind::kOutput: {
      BRAID_ASSIGN(const Value value, Evaluate(*statement.value, scope));
      BRAID_TRY(WriteValue(value));
      return flow;
    }
    case Statement::Kind::kIf:
      return RunIf(statement, scope);
    case Statement::Kind::kFor:
      return RunFor(statement, scope);
    case Statement::Kind::kSet:
      BRAID_TRY(RunSet(statement, scope));
      return flow;
    case Statement::Kind::kSetBlock: {
      BRAID_ASSIGN(Value value, Captured(statement.body, scope, flow));
      if (flow != Flow::kOn) return flow;
      BRAID_ASSIGN(value, ApplyAll(statement.value, value, scope));
      BRAID_TRY(Assign(*statement.target, value, scope));
      return flow;
    }
    case Statement::Kind::kMacro:
      scope.Set(statement.name, NewMacro(statement, scope));
      return flow;
    case Statement::Kind::kCall:
      BRAID_TRY(RunCall(statement, scope));
      return flow;
    case Statement::Kind::kFilterBlock: {
      BRAID_ASSIGN(Value value, Captured(statement.body, scope, flow));
      if (flow != Flow::kOn) return flow;
      BRAID_ASSIGN(value, ApplyAll(statement.value, value, scope));
      BRAID_TRY(WriteValue(value));
      return flow;
    }
    case Statement::Kind::kWith:
      return RunWith(statement, scope);
    case Statement::Kind::kGeneration:
      return RunBlock(statement.body, NewScope(scope));
    case Statement::Kind::kBreak:
      return Flow::kBreak;
    case Statement::Kind::kContinue:
      return Flow::kContinue;
  }
  return flow;
}

Status Interpreter::Write(const Text& text) {
  *output_ += text;
  if (output_->size() <= runtime_.limits().output_bytes) return {};
  return Error{Format("an output of more than {} bytes",
                      runtime_.limits().output_bytes)};
}

Status Interpreter::WriteValue(const Value& value) {
  if (const Text* text = AsText(value)) return Write(*text);
  BRAID_ASSIGN(const Text text, ToText(runtime_, value));
  return Write(text);
}

Result<Value> Interpreter::Captured(const Block& block, Scope& scope,
                                    Flow& flow) {
  Text captured;
  Text* const before = std::exchange(output_, &captured);
  const auto result = RunBlock(block, NewScope(scope));
  output_ = before;
  BRAID_ASSIGN(flow, result);
  return runtime_.NewString(std::move(captured));
}

Result<Interpreter::Flow> Interpreter::RunIf(const Statement& statement,
                                             Scope& scope) {
  for (const Statement::Branch& branch : statement.branches) {
    BRAID_ASSIGN(const Value condition, Evaluate(*branch.condition, scope));
    if (Truth(condition)) return RunBlock(branch.body, scope);
  }
  return RunBlock(statement.other, scope);
}

// What a loop walks over: without what its condition leaves out.
Result<Values> Interpreter::ElementsOf(const Statement& loop, Scope& scope) {
  BRAID_ASSIGN(const Value list, Evaluate(*loop.value, scope));
  BRAID_ASSIGN(Values elements, Elements(runtime_, list));
  if (loop.condition == nullptr) return elements;
  Values kept;
  for (const Value& element : elements) {
    Scope& inner = NewScope(scope);
    BRAID_TRY(Assign(*loop.target, element, inner));
    BRAID_ASSIGN(const Value condition, Evaluate(*loop.condition, inner));
    if (Truth(condition)) kept.push_back(element);
  }
  return kept;
}

Result<Interpreter::Flow> Interpreter::RunFor(const Statement& statement,
                                              Scope& scope) {
  BRAID_ASSIGN(const Values elements, ElementsOf(statement, scope));
  auto* loop = runtime_.New<Loop>();
  loop->length = static_cast<int64_t>(elements.size());
  // What Jinja's `else` asks is whether any round came to its end.
  bool completed = false;
  for (size_t i = 0; i < elements.size(); ++i) {
    BRAID_TRY(runtime_.Spend(1));
    loop->index = static_cast<int64_t>(i);
    loop->previous =
        i == 0 ? MakeUndefined("there is no previous item") : elements[i - 1];
    loop->next = i + 1 == elements.size()
                     ? MakeUndefined("there is no next item")
                     : elements[i + 1];
    Scope& inner = NewScope(scope);
    inner.Set("loop", loop);
    BRAID_TRY(Assign(*statement.target, elements[i], inner));
    BRAID_ASSIGN(const Flow flow, RunBlock(statement.body, inner));
    if (flow == Flow::kBreak) break;
    completed |= flow == Flow::kOn;
  }
  return completed ? Flow::kOn : RunBlock(statement.other, NewScope(scope));
}

// Every value is computed outside, before any name is set.
Result<Interpreter::Flow> Interpreter::RunWith(const Statement& statement,
                                               Scope& scope) {
  Scope& inner = NewScope(scope);
  for (const auto& [target, expression] : statement.assignments) {
    BRAID_ASSIGN(Value value, Evaluate(*expression, scope));
    BRAID_TRY(Assign(*target, std::move(value), inner));
  }
  return RunBlock(statement.body, inner);
}

Status Interpreter::RunSet(const Statement& statement, Scope& scope) {
  BRAID_ASSIGN(Value value, Evaluate(*statement.value, scope));
  return Assign(*statement.target, std::move(value), scope);
}

Status Interpreter::Assign(const Expression& target, Value value,
                           Scope& scope) {
  if (target.kind == Expression::Kind::kName) {
    scope.Set(target.name, std::move(value));
    return {};
  }
  if (target.kind == Expression::Kind::kAttribute) {
    BRAID_ASSIGN(const Value owner, Evaluate(*target.operands[0], scope));
    auto* names = As<Namespace>(owner);
    if (names == nullptr) {
      return Error{
          Format("only a namespace's attributes can be set, not those "
                 "of {}",
                 TypeName(owner))};
    }
    if (target.name.starts_with('_')) {
      return Error{Format("a namespace cannot have '{}'", target.name)};
    }
    const auto found = std::find_if(
        names->items.begin(), names->items.end(),
        [&](const auto& item) { return item.first == target.name; });
    if (found != names->items.end()) {
      found->second = std::move(value);
    } else {
      names->items.emplace_back(target.name, std::move(value));
    }
    return {};
  }
  BRAID_ASSIGN(const Values parts, Elements(runtime_, value));
  if (parts.size() != target.operands.size()) {
    return Error{
        Format("{} values for {} names", parts.size(), target.operands.size())};
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    BRAID_TRY(Assign(*target.operands[i], parts[i], scope));
  }
  return {};
}

Value Interpreter::NewMacro(const Statement& statement, Scope& scope) {
  auto* macro = runtime_.New<Callable>();
  macro->name = statement.name;
  macro->macro = &statement;
  macro->home = &scope;
  return macro;
}

// {% call macro(arguments) %}: the block is what the macro knows as `caller`.
Status Interpreter::RunCall(const Statement& statement, Scope& scope) {
  BRAID_ASSIGN(const Value callee,
               Evaluate(*statement.value->operands[0], scope));
  BRAID_ASSIGN(Arguments arguments, EvaluateArguments(*statement.value, scope));
  arguments.named.emplace_back("caller", NewMacro(statement, scope));
  BRAID_ASSIGN(const Value value, Call(callee, arguments));
  return WriteValue(value);
}

Result<Value> Interpreter::Call(const Value& callee,
                                const Arguments& arguments) {
  BRAID_TRY(CheckDefined(callee));
  const auto* callable = As<Callable>(callee);
  if (callable == nullptr) {
    return Error{Format("{} cannot be called", TypeName(callee))};
  }
  if (callable->function == nullptr) return CallMacro(*callable, arguments);
  return callable->function(runtime_, callable->self, arguments);
}

Result<Value> Interpreter::CallMacro(const Callable& macro,
                                     const Arguments& arguments) {
  Scope& scope = NewScope(*macro.home);
  BRAID_TRY(BindParameters(*macro.macro, arguments, scope));
  BRAID_TRY(BindRest(*macro.macro, arguments, scope));
  Flow flow = Flow::kOn;
  return Captured(macro.macro->body, scope, flow);
}

// What has not been given has its default, which may use those before it.
Status Interpreter::BindParameters(const Statement& macro,
                                   const Arguments& arguments, Scope& scope) {
  for (size_t i = 0; i < macro.parameters.size(); ++i) {
    const Statement::Parameter& parameter = macro.parameters[i];
    const auto named = std::find_if(
        arguments.named.begin(), arguments.named.end(),
        [&](const auto& item) { return item.first == parameter.name; });
    if (i < arguments.positional.size()) {
      scope.Set(parameter.name, arguments.positional[i]);
    } else if (named != arguments.named.end()) {
      scope.Set(parameter.name, named->second);
    } else if (parameter.value != nullptr) {
      BRAID_ASSIGN(Value value, Evaluate(*parameter.value, scope));
      scope.Set(parameter.name, std::move(value));
    } else {
      scope.Set(parameter.name,
                MakeUndefined(
                    Format("parameter '{}' was not given", parameter.name)));
    }
  }
  return {};
}

// Arguments that no parameter takes: varargs, kwargs and caller, where the
// macro speaks of them.
Status Interpreter::BindRest(const Statement& macro, const Arguments& arguments,
                             Scope& scope) {
  const size_t known = macro.parameters.size();
  if (arguments.positional.size() > known && !macro.uses_positional) {
    return Error{Format("macro '{}' takes at most {} arguments, {} are given",
                        macro.name, known, arguments.positional.size())};
  }
  if (macro.uses_caller) {
    scope.Set("caller", MakeUndefined("the macro was called without a block"));
  }
  auto* rest = runtime_.New<Dict>();
  for (const auto& [name, value] : arguments.named) {
    size_t at = 0;
    while (at < known && macro.parameters[at].name != name) ++at;
    if (at < known && at >= arguments.positional.size()) continue;
    if (macro.uses_caller && name == "caller") {
      scope.Set("caller", value);
    } else if (macro.uses_named) {
      BRAID_TRY(Set(runtime_, *rest, MakeString(TextOf(name)), value));
    } else {
      return Error{
          Format("macro '{}' has no parameter '{}'", macro.name, name)};
    }
  }
  if (macro.uses_named) scope.Set("kwargs", rest);
  if (!macro.uses_positional) return {};
  Values more;
  for (size_t i = known; i < arguments.positional.size(); ++i) {
    more.push_back(arguments.positional[i]);
  }
  scope.Set("varargs", runtime_.NewTuple(std::move(more)));
  return {};
}

}  // namespace braid::chat
