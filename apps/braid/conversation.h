// Conversation: what was said, by whom; and Prompter, which makes the model's
// text and tokens of it.
#ifndef BRAID_APPS_BRAID_CONVERSATION_H_
#define BRAID_APPS_BRAID_CONVERSATION_H_

#include <cstdint>
#include <ctime>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/braid/spoken_text.h"
#include "braid/model.h"
#include "braid/result.h"
#include "chat/chat_template.h"

namespace braid::cli {

struct Message {
  std::string role;  // "system", "user" or "assistant"
  std::string content;
};
using Conversation = std::vector<Message>;

// A conversation in a file of its own, beside the sequence that holds it:
//   {"messages": [{"role": ..., "content": ...}, ...],
//    "text": ..., "tokens": DIGEST, "turns": [{"position": N, "bytes": N},
//    ...]}
// The text is JSON's: bytes that are no UTF-8 become U+FFFD.
struct SavedConversation {
  // Where the words of a turn were added to the text; -1: it is not known.
  struct Turn {
    int64_t position = -1;
    int64_t bytes = -1;
  };

  Conversation messages;
  std::string text;         // that the sequence holds, if it is known
  std::string tokens;       // what DigestOf says of the sequence's tokens
  std::vector<Turn> turns;  // of the last ones
};

std::string DigestOf(std::span<const TokenId> tokens);
std::string ConversationText(const SavedConversation& saved);
// Error: the file is missing or no such text; it names the file.
Result<SavedConversation> ReadConversation(const std::string& path);

// A model's chat template and its vocabulary. Immutable; the model outlives it.
class Prompter {
 public:
  // `stored` is a template, or what the model's file has in its place
  // (default_templates.h). Error: it is none that can be run.
  static Result<Prompter> Create(const Model& model, std::string_view stored);

  // What the template is, for a person.
  std::string_view name() const { return name_; }

  // The text of a conversation; with `answer`, up to where the next answer
  // begins. Error: the template's.
  Result<chat::Rendered> Render(const Conversation& conversation,
                                bool answer) const;
  // The tokens of a rendered text from byte `begin` on.
  std::vector<TokenId> Encode(const chat::Rendered& rendered,
                              size_t begin) const;

 private:
  Prompter(const Model& model, chat::ChatTemplate format, std::string name,
           bool marks_start);

  chat::ChatTemplate template_;
  std::string name_;
  bool marks_start_;
  const Tokenizer* tokenizer_;
  SpokenTextEncoder encoder_;
  // One time for the whole session: a prompt that changed with the clock would
  // have to be read again.
  std::tm now_;
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_CONVERSATION_H_
