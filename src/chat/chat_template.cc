#include "chat/chat_template.h"

#include "base/format.h"
#include "base/try.h"
#include "chat/interpreter.h"
#include "chat/parser.h"
#include "chat/scope.h"
#include "chat/value.h"

namespace braid::chat {

namespace {

Result<Value> ValueOf(Runtime& runtime, const Input& input);

Result<Value> ListOf(Runtime& runtime, const Input::List& inputs) {
  Values items;
  items.reserve(inputs.size());
  for (const Input& input : inputs) {
    BRAID_ASSIGN(Value item, ValueOf(runtime, input));
    items.push_back(std::move(item));
  }
  return runtime.NewList(std::move(items));
}

Result<Value> DictOf(Runtime& runtime, const Input::Dict& inputs) {
  auto* dict = runtime.New<Dict>();
  dict->items.reserve(inputs.size());
  for (const auto& [name, input] : inputs) {
    BRAID_ASSIGN(Value item, ValueOf(runtime, input));
    BRAID_ASSIGN(Value key, runtime.NewString(TextOf(name, true)));
    dict->items.emplace_back(std::move(key), std::move(item));
  }
  return Value(dict);
}

Result<Value> ValueOf(Runtime& runtime, const Input& input) {
  const Runtime::Level level(runtime);
  BRAID_TRY(level.status());
  BRAID_TRY(runtime.Spend(1));
  if (const auto* text = std::get_if<std::string>(&input.value)) {
    return runtime.NewString(TextOf(*text, !input.own));
  }
  if (const auto* list = std::get_if<Input::List>(&input.value)) {
    return ListOf(runtime, *list);
  }
  if (const auto* dict = std::get_if<Input::Dict>(&input.value)) {
    return DictOf(runtime, *dict);
  }
  if (const auto* truth = std::get_if<bool>(&input.value)) return Value(*truth);
  if (const auto* integer = std::get_if<int64_t>(&input.value)) {
    return Value(*integer);
  }
  if (const auto* real = std::get_if<double>(&input.value)) return Value(*real);
  return Value(None{});
}

}  // namespace

Result<ChatTemplate> ChatTemplate::Parse(std::string_view source,
                                         const TemplateLimits& limits) {
  BRAID_ASSIGN(std::shared_ptr<const Syntax> syntax,
               ParseTemplate(source, limits));
  return ChatTemplate(std::move(syntax), limits);
}

Result<Rendered> ChatTemplate::Render(const Input::Dict& variables,
                                      const std::optional<std::tm>& now) const {
  Runtime runtime(limits_, now);
  Scope scope;
  for (const auto& [name, input] : variables) {
    BRAID_ASSIGN(Value value, ValueOf(runtime, input));
    scope.Set(name, std::move(value));
  }
  BRAID_ASSIGN(const Text text, Interpreter(runtime, scope).Run(*syntax_));
  Rendered rendered;
  rendered.text = BytesOf(text, &rendered.spoken);
  if (rendered.text.size() > limits_.output_bytes) {
    return Error{Format("an output of {} bytes, at most {} are allowed",
                        rendered.text.size(), limits_.output_bytes)};
  }
  return rendered;
}

}  // namespace braid::chat
