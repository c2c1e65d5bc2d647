// ChatTemplate: how a conversation becomes the text that a model was trained
// on, by the model's own template (`tokenizer.chat_template`).
//
// Templates are written in Jinja, for the Python package `transformers`; this
// runs what published ones use, in the environment that `transformers` gives
// them, and gives the same bytes. What it does not know it refuses by name.
// docs/chat.md has the list.
#ifndef BRAID_SRC_CHAT_CHAT_TEMPLATE_H_
#define BRAID_SRC_CHAT_CHAT_TEMPLATE_H_

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "braid/result.h"
#include "chat/runtime.h"
#include "chat/text.h"

namespace braid::chat {

class Syntax;

// What a template is rendered with: a tree of JSON's values, which keeps the
// order of names.
struct Input {
  using List = std::vector<Input>;
  using Dict = std::vector<std::pair<std::string, Input>>;

  // Text that somebody said, and that must not become a control token.
  static Input Said(std::string text) { return {std::move(text)}; }
  // Text that the program or the model's file chose: a role, the text of the
  // token that begins a text.
  static Input Own(std::string text) { return {std::move(text), true}; }

  std::variant<std::monostate, bool, int64_t, double, std::string, List, Dict>
      value = {};
  bool own = false;  // of a string
};

struct Rendered {
  std::string text;
  // The parts of `text` that came out of Input::Said, and names of its dicts:
  // maximal, ascending. Encoding must not recognise control tokens there.
  std::vector<ByteRange> spoken;
};

// Immutable; every method may be called from any thread.
class ChatTemplate {
 public:
  // Error: the source is no template, or uses what is not supported; it begins
  // with line and column.
  static Result<ChatTemplate> Parse(std::string_view source,
                                    const TemplateLimits& limits = {});

  // `variables` are `messages`, `add_generation_prompt`, `bos_token` and what
  // else a template asks for; `now` is what strftime_now says. Error: the
  // template refuses the conversation, asks for what is not there, or needs
  // more than the limits allow; it begins with line and column.
  Result<Rendered> Render(const Input::Dict& variables,
                          const std::optional<std::tm>& now = {}) const;

 private:
  ChatTemplate(std::shared_ptr<const Syntax> syntax,
               const TemplateLimits& limits)
      : syntax_(std::move(syntax)), limits_(limits) {}

  std::shared_ptr<const Syntax> syntax_;
  TemplateLimits limits_;
};

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_CHAT_TEMPLATE_H_
