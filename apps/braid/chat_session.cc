#include "apps/braid/chat_session.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "apps/braid/next_token.h"
#include "base/format.h"
#include "base/output_file.h"
#include "base/try.h"

namespace braid::cli {

namespace {

// Some templates refuse the role. Those that refuse without it, too, have
// another reason.
bool TakesSystemText(const Prompter& prompter) {
  const Message user = {"user", "x"};
  return prompter.Render({{"system", "x"}, user}, true).ok() ||
         !prompter.Render({user}, true).ok();
}

// Private, like the state beside it.
Status WriteConversation(const std::string& path,
                         const SavedConversation& saved) {
  BRAID_ASSIGN(OutputFile file, OutputFile::Create(path, 0600));
  const std::string text = ConversationText(saved);
  BRAID_TRY(file.Write(std::as_bytes(std::span(text))));
  return file.Commit();
}

}  // namespace

ChatSession::ChatSession(Engine& engine, const Prompter& prompter,
                         ChatOptions options)
    : engine_(&engine),
      prompter_(&prompter),
      options_(std::move(options)),
      takes_system_text_(TakesSystemText(prompter)),
      branches_(1) {
  branch().system = options_.system;
}

Conversation ChatSession::Whole(const Branch& branch) const {
  Conversation whole = branch.messages;
  if (branch.system.empty()) return whole;
  if (takes_system_text_) {
    whole.insert(whole.begin(), {"system", branch.system});
  } else if (!whole.empty()) {
    whole[0].content = Format("{}\n\n{}", branch.system, whole[0].content);
  }
  return whole;
}

int ChatSession::turns(int branch) const {
  const Conversation& messages = branches_[branch].messages;
  return static_cast<int>(
      std::count_if(messages.begin(), messages.end(),
                    [](const Message& m) { return m.role == "user"; }));
}

Status ChatSession::Say(std::string_view text, const OnText& on_text,
                        const std::function<bool()>& stopped) {
  const Branch before = branch();
  const auto held = engine_->Tokens(current_);
  const std::vector<TokenId> tokens(held.begin(), held.end());
  branch().messages.push_back({"user", std::string(text)});
  const Status status = Exchange(on_text, stopped);
  if (status.ok()) return {};
  branch() = before;
  const Position common = Common(tokens);
  if (common < position()) BRAID_TRY(GoBack(common));
  // Of a rewritten conversation what is the same is kept.
  if (static_cast<size_t>(common) < tokens.size()) Rewritten(common);
  return Error{
      Format("{}; what you said, and what was answered to it, is "
             "taken back",
             status.error().message)};
}

Status ChatSession::Exchange(const OnText& on_text,
                             const std::function<bool()>& stopped) {
  BRAID_TRY(BringInLine());
  BRAID_ASSIGN(std::string answer, Answer(on_text, stopped));
  branch().messages.push_back({"assistant", std::move(answer)});
  return {};
}

Status ChatSession::BringInLine() {
  Branch& now = branch();
  BRAID_ASSIGN(const chat::Rendered rendered,
               prompter_->Render(Whole(now), true));
  Turn turn;
  const bool goes_on = (!now.text.empty() || position() == 0) &&
                       rendered.text.size() > now.text.size() &&
                       rendered.text.starts_with(now.text);
  if (goes_on) {
    turn = {position(), now.text};
    const std::vector<TokenId> more =
        prompter_->Encode(rendered, now.text.size());
    if (more.empty()) return Error{"nothing was said"};
    if (position() > 0) BRAID_TRY(engine_->Checkpoint(current_));
    BRAID_TRY(Append(more));
  } else {
    BRAID_TRY(Match(prompter_->Encode(rendered, 0)));
  }
  // Where a template leaves out thoughts, the next turn begins here.
  BRAID_TRY(engine_->Checkpoint(current_));
  now.turns.push_back(std::move(turn));
  now.text = rendered.text;
  return {};
}

Position ChatSession::Common(std::span<const TokenId> tokens) const {
  const auto held = engine_->Tokens(current_);
  const auto differs =
      std::mismatch(held.begin(), held.end(), tokens.begin(), tokens.end());
  return static_cast<Position>(differs.first - held.begin());
}

Status ChatSession::Match(std::span<const TokenId> tokens) {
  if (tokens.empty()) return Error{"nothing was said"};
  const Position common =
      std::min(Common(tokens), static_cast<Position>(tokens.size()) - 1);
  Rewritten(common);
  if (common < position()) BRAID_TRY(GoBack(common));
  return Append(tokens.subspan(static_cast<size_t>(common)));
}

void ChatSession::Rewritten(Position common) {
  branch().text.clear();
  for (Turn& turn : branch().turns) {
    if (turn.position > common) turn = {};
  }
}

Status ChatSession::Append(std::span<const TokenId> tokens) {
  const size_t most = static_cast<size_t>(engine_->options().max_batch);
  Batch batch;
  while (!tokens.empty()) {
    const size_t count = std::min(most, tokens.size());
    batch.Clear();
    Position at = position();
    for (size_t i = 0; i < count; ++i) {
      batch.Add(tokens[i], at++, current_, Want::kNothing);
    }
    BRAID_TRY(engine_->Decode(batch));
    tokens = tokens.subspan(count);
  }
  return {};
}

Result<std::string> ChatSession::Answer(const OnText& on_text,
                                        const std::function<bool()>& stopped) {
  const Tokenizer& tokenizer = engine_->model().tokenizer();
  StreamingDetokenizer detokenizer(tokenizer);
  std::string answer;
  const auto hand_out = [&](const std::string& piece) {
    on_text(piece);
    answer += piece;
  };
  bool has_control = false;  // which an answer's text does not show
  for (int i = 0; options_.max_tokens < 0 || i < options_.max_tokens; ++i) {
    BRAID_ASSIGN(const TokenId token, NextToken(engine_->LastLogits(current_),
                                                engine_->Tokens(current_),
                                                options_.sampling, scratch_));
    if (tokenizer.IsEndOfGeneration(token) || (stopped && stopped())) break;
    has_control |= tokenizer.IsControl(token);
    hand_out(detokenizer.Add(token));
    BRAID_TRY(Append({&token, 1}));
  }
  hand_out(detokenizer.Finish());
  if (has_control) {
    branch().text.clear();
  } else {
    branch().text += answer;
  }
  return answer;
}

Result<int> ChatSession::Undo() {
  Branch& now = branch();
  if (turns(current_) == 0) return Error{"there is nothing to take back"};
  while (now.messages.back().role != "user") now.messages.pop_back();
  now.messages.pop_back();
  Turn turn;
  if (!now.turns.empty()) {
    turn = std::move(now.turns.back());
    now.turns.pop_back();
  }
  now.text.clear();
  if (turn.position >= 0 && turn.position <= position()) {
    BRAID_ASSIGN(const int evaluated, GoBack(turn.position));
    now.text = std::move(turn.text);
    return evaluated;
  }
  // Of a loaded or rewritten conversation: as far as what is left says.
  if (now.messages.empty()) return GoBack(0);
  BRAID_ASSIGN(const chat::Rendered rendered,
               prompter_->Render(Whole(now), false));
  return GoBack(Common(prompter_->Encode(rendered, 0)));
}

Result<int> ChatSession::GoBack(Position target) {
  const auto removal = engine_->Remove(current_, target, -1);
  if (removal.ok()) return removal->reevaluated;
  // Sliding windows reach back only so far: the text is read again.
  const auto all = engine_->Tokens(current_);
  const std::vector<TokenId> tokens(all.begin(), all.begin() + target);
  BRAID_TRY(engine_->Remove(current_, 0, -1));
  BRAID_TRY(Append(tokens));
  return static_cast<int>(target);
}

Status ChatSession::Clear() {
  BRAID_TRY(engine_->Remove(current_, 0, -1));
  std::string system = std::move(branch().system);
  branch() = {};
  branch().system = std::move(system);
  return {};
}

Result<int> ChatSession::Fork() {
  const int copy = branches();
  if (copy == engine_->options().max_sequences) {
    return Error{Format("there are {} branches already: raise -np", copy)};
  }
  BRAID_TRY(engine_->Fork(current_, copy));
  branches_.push_back(branches_[current_]);
  current_ = copy;
  return copy;
}

Status ChatSession::Switch(int branch) {
  if (branch < 0 || branch >= branches()) {
    return Error{Format("there is no branch {}; the last one is {}", branch,
                        branches() - 1)};
  }
  current_ = branch;
  return {};
}

Status ChatSession::Save(const std::string& path) const {
  BRAID_TRY(engine_->Save(path, std::span(&current_, 1)));
  const Branch& now = branches_[current_];
  SavedConversation saved = {
      now.messages, now.text, DigestOf(engine_->Tokens(current_)), {}};
  if (!now.system.empty()) {
    saved.messages.insert(saved.messages.begin(), {"system", now.system});
  }
  for (const Turn& turn : now.turns) {
    const bool known = turn.position >= 0 && now.text.starts_with(turn.text);
    saved.turns.push_back(
        known ? SavedConversation::Turn{turn.position,
                                        static_cast<int64_t>(turn.text.size())}
              : SavedConversation::Turn{});
  }
  return WriteConversation(path + ".json", saved);
}

Status ChatSession::Load(const std::string& path) {
  BRAID_ASSIGN(SavedConversation saved, ReadConversation(path + ".json"));
  // A conversation is the only sequence of its file, whatever its number was.
  BRAID_TRY(engine_->Restore(path, {.only_sequence_to = current_}));
  Branch loaded;
  Conversation& said = saved.messages;
  if (!said.empty() && said[0].role == "system") {
    loaded.system = std::move(said[0].content);
    said.erase(said.begin());
  }
  loaded.messages = std::move(said);
  // If the files do not belong together, the next turn finds out what the
  // sequence has in common with what was said.
  if (saved.tokens == DigestOf(engine_->Tokens(current_))) {
    for (const SavedConversation::Turn& turn : saved.turns) {
      const bool known =
          turn.position >= 0 && turn.position <= position() && turn.bytes >= 0;
      loaded.turns.push_back(
          known ? Turn{static_cast<Position>(turn.position),
                       saved.text.substr(0, static_cast<size_t>(turn.bytes))}
                : Turn{});
    }
    loaded.text = std::move(saved.text);
  }
  branch() = std::move(loaded);
  return {};
}

std::string ChatSession::Transcript() const {
  return engine_->model().tokenizer().Decode(engine_->Tokens(current_),
                                             {.special = true});
}

}  // namespace braid::cli
