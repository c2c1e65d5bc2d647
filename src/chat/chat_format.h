// ChatFormat: how a conversation becomes the text that a model was trained on.
//
// The formats that published models use, as a table. A model's own Jinja
// template is not run: it is recognised by a string that only this format has.
#ifndef BRAID_SRC_CHAT_CHAT_FORMAT_H_
#define BRAID_SRC_CHAT_CHAT_FORMAT_H_

#include <span>
#include <string>
#include <string_view>

#include "braid/result.h"

namespace braid {

struct ChatFormat {
  // What stands around what somebody says.
  struct Around {
    std::string_view before;
    std::string_view after;
  };

  std::string_view name;    // of --chat-template
  std::string_view marker;  // in the template of models that use it
  Around system;
  Around user;
  Around assistant;
  // What the system says stands at the start of the first user's turn.
  bool system_in_user = false;

  // The text of the first turn, up to where the answer begins. `system_text`
  // may be empty.
  std::string FirstTurn(std::string_view system_text,
                        std::string_view user_text) const;
  // Of a later turn: the answer before it was ended by the model's end token,
  // or was cut.
  std::string NextTurn(std::string_view user_text) const;
};

std::span<const ChatFormat> ChatFormats();

// Error: no such format; it lists those that there are.
Result<const ChatFormat*> ChatFormatNamed(std::string_view name);
// The format of tokenizer.chat_template. A model without one gets "plain", in
// which everybody's words follow one another. Error: the template is none that
// is known.
Result<const ChatFormat*> ChatFormatOf(std::string_view chat_template);

}  // namespace braid

#endif  // BRAID_SRC_CHAT_CHAT_FORMAT_H_
