// Interpreter: runs the syntax tree of a template.
#ifndef BRAID_SRC_CHAT_INTERPRETER_H_
#define BRAID_SRC_CHAT_INTERPRETER_H_

#include <string>
#include <string_view>
#include <utility>

#include "braid/result.h"
#include "chat/runtime.h"
#include "chat/scope.h"
#include "chat/syntax.h"

namespace braid::chat {

// For one rendering; not thread-safe. Everything that is deep is counted
// (Runtime::Level), so that no template can use up the stack.
class Interpreter {
 public:
  // `variables` are what the template is rendered with. Both outlive it.
  Interpreter(Runtime& runtime, Scope& variables)
      : runtime_(runtime), variables_(variables) {}

  // The template's output. Errors begin with the place.
  Result<Text> Run(const Syntax& syntax);

 private:
  // How a statement ends.
  enum class Flow { kOn, kBreak, kContinue };
  using Block = Statement::Block;

  Scope& NewScope(const Scope& parent);
  // The innermost place that an error passes is where it happened.
  template <class T>
  Result<T> Located(Result<T> result, Place place) {
    if (!result.ok() && !std::exchange(located_, true)) place_ = place;
    return result;
  }

  Result<Flow> RunBlock(const Block& block, Scope& scope);
  Result<Flow> RunStatement(const Statement& statement, Scope& scope);
  Result<Flow> Dispatch(const Statement& statement, Scope& scope);
  Result<Flow> RunIf(const Statement& statement, Scope& scope);
  Result<Flow> RunFor(const Statement& statement, Scope& scope);
  Result<Values> ElementsOf(const Statement& loop, Scope& scope);
  Result<Flow> RunWith(const Statement& statement, Scope& scope);
  Status RunSet(const Statement& statement, Scope& scope);
  Status RunCall(const Statement& statement, Scope& scope);
  // The output of a block, in a scope of its own.
  Result<Value> Captured(const Block& block, Scope& scope, Flow& flow);
  Status Write(const Text& text);
  Status WriteValue(const Value& value);
  Status Assign(const Expression& target, Value value, Scope& scope);
  Value NewMacro(const Statement& statement, Scope& scope);

  Result<Value> CallMacro(const Callable& macro, const Arguments& arguments);
  Status BindParameters(const Statement& macro, const Arguments& arguments,
                        Scope& scope);
  Status BindRest(const Statement& macro, const Arguments& arguments,
                  Scope& scope);
  Result<Value> Call(const Value& callee, const Arguments& arguments);

  Result<Value> Evaluate(const Expression& expression, Scope& scope);
  Result<Value> Dispatch(const Expression& expression, Scope& scope);
  Result<Value> EvaluateName(const Expression& expression, Scope& scope);
  Result<Value> EvaluateSlice(const Expression& expression, Scope& scope);
  Result<Value> EvaluateCall(const Expression& expression, Scope& scope);
  // A filter or a test of `input`.
  Result<Value> Apply(const Expression& expression, const Value& input,
                      Scope& scope);
  // The filters of a block, of which the innermost has no operand.
  Result<Value> ApplyAll(const Expression* filters, Value input, Scope& scope);
  Result<Value> EvaluateLogic(const Expression& expression, Scope& scope);
  Result<Value> EvaluateConditional(const Expression& expression, Scope& scope);
  Result<Value> EvaluateComparison(const Expression& expression, Scope& scope);
  Result<Value> EvaluateConcatenation(const Expression& expression,
                                      Scope& scope);
  Result<Value> EvaluateDict(const Expression& expression, Scope& scope);
  Result<Values> EvaluateAll(const Expression& expression, size_t from,
                             Scope& scope);
  Result<Arguments> EvaluateArguments(const Expression& expression,
                                      Scope& scope);

  Runtime& runtime_;
  Scope& variables_;
  Text* output_ = nullptr;
  bool located_ = false;  // was the error's place noted?
  Place place_;
};

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_INTERPRETER_H_
