// ChatSession: conversations with a model, each a sequence of an engine.
#ifndef BRAID_APPS_BRAID_CHAT_SESSION_H_
#define BRAID_APPS_BRAID_CHAT_SESSION_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/engine.h"
#include "braid/result.h"
#include "braid/sampling.h"
#include "chat/chat_format.h"

namespace braid::cli {

struct ChatOptions {
  const ChatFormat* format = nullptr;
  std::string system;   // may be empty
  int max_tokens = -1;  // of an answer; -1: until it ends
  SamplingParams sampling;
};

// A conversation is a branch; forks are further ones, and one of them is the
// current one, which everything is done to. Branches are the engine's
// sequences. Not thread-safe.
class ChatSession {
 public:
  using OnText = std::function<void(std::string_view)>;

  // `engine` is empty, and outlives the session.
  ChatSession(Engine& engine, ChatOptions options);

  // Says something and hands out the answer as it grows. `stopped`, if given,
  // is asked before every token of the answer, and true ends it. Error: the
  // context is full; what was said is then taken back.
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
  // Saves the current branch; puts a saved one in its place. What was said
  // before a load cannot be taken back piece by piece.
  Status Save(const std::string& path) const;
  Status Load(const std::string& path);

  int current() const { return current_; }
  int branches() const { return static_cast<int>(branches_.size()); }
  int turns(int branch) const {
    return static_cast<int>(branches_[branch].turns.size());
  }
  Position position() const { return engine_->NextPosition(current_); }
  // The text of the current branch, control tokens included.
  std::string Transcript() const;

 private:
  struct Branch {
    std::vector<Position> turns;  // where each begins
  };

  std::vector<TokenId> TokensOf(std::string_view text) const;
  // Appends tokens; logits are wanted of the last one.
  Status Append(std::span<const TokenId> tokens);
  Status Answer(const OnText& on_text, const std::function<bool()>& stopped);
  // Goes back to `position`; returns the tokens that were evaluated again.
  Result<int> GoBack(Position position);

  Engine* engine_;
  ChatOptions options_;
  std::vector<Branch> branches_ = {{}};  // branch i is sequence i
  int current_ = 0;
  SamplingScratch scratch_;
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_CHAT_SESSION_H_
