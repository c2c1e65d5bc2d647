// ChatSession: conversations with a model, each a sequence of an engine.
#ifndef BRAID_APPS_BRAID_CHAT_SESSION_H_
#define BRAID_APPS_BRAID_CHAT_SESSION_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/braid/conversation.h"
#include "braid/engine.h"
#include "braid/result.h"
#include "braid/sampling.h"

namespace braid::cli {

struct ChatOptions {
  std::string system;   // may be empty
  int max_tokens = -1;  // of an answer; -1: until it ends
  SamplingParams sampling;
};

// A conversation is a branch; forks are further ones, and one of them is the
// current one, which everything is done to. Branches are the engine's
// sequences. Not thread-safe.
//
// Before every answer the model's template renders the whole conversation, and
// what the sequence holds is brought in line with that. Mostly the new text
// goes on where the last answer ended, and only that is evaluated. Where a
// template rewrites what was said (thoughts of earlier answers are often left
// out), the sequence goes back to the last token that is the same, by whatever
// the engine can do, and goes on from there.
class ChatSession {
 public:
  using OnText = std::function<void(std::string_view)>;

  // `engine` is empty, and both outlive the session.
  ChatSession(Engine& engine, const Prompter& prompter, ChatOptions options);

  // Does the template take a system text? Where it refuses the role, the text
  // stands before the first words of the user.
  bool takes_system_text() const { return takes_system_text_; }

  // Says something and hands out the answer as it grows. `stopped`, if given,
  // is asked before every token of the answer, and true ends it. Error: the
  // template refuses, or the context is full; what was said and what was
  // answered so far are then taken back.
  Status Say(std::string_view text, const OnText& on_text,
             const std::function<bool()>& stopped = {});
  // Takes back the last thing that was said, and the answer to it. Returns the
  // number of tokens that had to be evaluated again: mostly 0.
  Result<int> Undo();
  // Forgets the conversation.
  Status Clear();
  // Goes on in a copy, which becomes the current branch; returns its number.
  Result<int> Fork();
  Status Switch(int branch);
  // Saves the current branch: what the sequence holds at `path`, what was said
  // beside it, in `path`.json. Load puts a saved one in its place, where it can
  // be taken back piece by piece.
  Status Save(const std::string& path) const;
  Status Load(const std::string& path);

  int current() const { return current_; }
  int branches() const { return static_cast<int>(branches_.size()); }
  int turns(int branch) const;
  Position position() const { return engine_->NextPosition(current_); }
  // The text of the current branch, control tokens included.
  std::string Transcript() const;

 private:
  // Where the words of a turn were added, if they were added at the end.
  struct Turn {
    Position position = -1;  // -1: it is not known
    std::string text;        // that the sequence held
  };

  struct Branch {
    std::string system;
    Conversation messages;  // of the user and the assistant
    // Of the last user's words; there may be fewer than there were.
    std::vector<Turn> turns;
    // The text that the sequence holds, if it is known: what was rendered, and
    // the last answer as it was written.
    std::string text;
  };

  Branch& branch() { return branches_[current_]; }
  // What was said, with the system text.
  Conversation Whole(const Branch& branch) const;
  Status Exchange(const OnText& on_text, const std::function<bool()>& stopped);
  // Makes the sequence hold the conversation up to where the answer begins.
  Status BringInLine();
  // Makes it hold `tokens`; the last one is always evaluated.
  Status Match(std::span<const TokenId> tokens);
  // The sequence is the same as before in its first `common` tokens only.
  void Rewritten(Position common);
  // Appends tokens; logits are wanted of the last one.
  Status Append(std::span<const TokenId> tokens);
  Result<std::string> Answer(const OnText& on_text,
                             const std::function<bool()>& stopped);
  // Goes back to `position`; returns the tokens that were evaluated again.
  Result<int> GoBack(Position position);
  // How many leading tokens the sequence has in common with `tokens`.
  Position Common(std::span<const TokenId> tokens) const;

  Engine* engine_;
  const Prompter* prompter_;
  ChatOptions options_;
  bool takes_system_text_;
  std::vector<Branch> branches_;  // branch i is sequence i
  int current_ = 0;
  SamplingScratch scratch_;
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_CHAT_SESSION_H_
