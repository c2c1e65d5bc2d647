#include "apps/braid/chat_session.h"

#include <algorithm>
#include <utility>

#include "base/format.h"
#include "base/try.h"

namespace braid::cli {

ChatSession::ChatSession(Engine& engine, ChatOptions options)
    : engine_(&engine), options_(std::move(options)) {}

std::vector<TokenId> ChatSession::TokensOf(std::string_view text) const {
  // The start of a text is marked once, at the start of the conversation.
  const bool first = position() == 0;
  return engine_->model().tokenizer().Encode(
      text, {.add_special = first, .parse_special = true});
}

Status ChatSession::Say(std::string_view text, const OnText& on_text,
                        const std::function<bool()>& stopped) {
  const Position begin = position();
  const ChatFormat& format = *options_.format;
  const std::vector<TokenId> tokens =
      TokensOf(begin == 0 ? format.FirstTurn(options_.system, text)
                          : format.NextTurn(text));
  if (tokens.empty()) return Error{"nothing was said"};
  BRAID_TRY(engine_->Checkpoint(current_));
  branches_[current_].turns.push_back(begin);
  Status status = Append(tokens);
  if (status.ok()) status = Answer(on_text, stopped);
  if (status.ok()) return {};
  BRAID_TRY(Undo());
  return status;
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

Status ChatSession::Answer(const OnText& on_text,
                           const std::function<bool()>& stopped) {
  const Tokenizer& tokenizer = engine_->model().tokenizer();
  StreamingDetokenizer detokenizer(tokenizer);
  for (int i = 0; options_.max_tokens < 0 || i < options_.max_tokens; ++i) {
    const TokenId token =
        SampleToken(engine_->LastLogits(current_), engine_->Tokens(current_),
                    options_.sampling, scratch_);
    if (tokenizer.IsEndOfGeneration(token) || (stopped && stopped())) break;
    on_text(detokenizer.Add(token));
    BRAID_TRY(Append({&token, 1}));
  }
  on_text(detokenizer.Finish());
  return {};
}

Result<int> ChatSession::Undo() {
  std::vector<Position>& turns = branches_[current_].turns;
  if (turns.empty()) return Error{"there is nothing to take back"};
  BRAID_ASSIGN(const int evaluated, GoBack(turns.back()));
  turns.pop_back();
  return evaluated;
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
  branches_[current_].turns.clear();
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
  return engine_->Save(path, std::span(&current_, 1));
}

Status ChatSession::Load(const std::string& path) {
  // A conversation is the only sequence of its file, whatever its number was.
  BRAID_TRY(engine_->Restore(path, {.only_sequence_to = current_}));
  branches_[current_].turns.clear();
  return {};
}

std::string ChatSession::Transcript() const {
  return engine_->model().tokenizer().Decode(engine_->Tokens(current_),
                                             {.special = true});
}

}  // namespace braid::cli
