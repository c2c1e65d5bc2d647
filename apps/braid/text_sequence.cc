#include "apps/braid/text_sequence.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "apps/braid/model_use.h"
#include "apps/braid/next_token.h"
#include "apps/braid/stop_text.h"
#include "apps/braid/text.h"
#include "base/format.h"
#include "base/try.h"

namespace braid::cli {

Result<Request> MakeRequest(const Model& model, std::string_view prompt) {
  const Tokenizer& tokenizer = model.tokenizer();
  Request request;
  request.prompt = tokenizer.Encode(prompt, {});
  if (model.info().encoder) {
    request.encoder_text = std::move(request.prompt);
    request.prompt = {model.info().start_token};
  }
  // A text from nothing starts where the vocabulary starts one.
  if (request.prompt.empty()) {
    const TokenId start =
        tokenizer.bos() != kNoToken ? tokenizer.bos() : tokenizer.eos();
    if (start == kNoToken) {
      return Error{"the prompt is empty and the vocabulary has no BOS"};
    }
    request.prompt.push_back(start);
  }
  return request;
}

Result<Request> MakeRequestWithin(const Engine& engine, std::string_view prompt,
                                  std::string_view name) {
  const Model& model = engine.model();
  BRAID_ASSIGN(Request request, MakeRequest(model, prompt));
  const auto tokens =
      static_cast<int64_t>(model.info().encoder ? request.encoder_text.size()
                                                : request.prompt.size());
  BRAID_TRY(CheckLength(name, tokens, LongestText(model, engine.options())));
  return request;
}

Result<int> TextSequence::Agree(const Request& request) {
  const auto held = engine_.Tokens(sequence_);
  const auto agreed =
      std::mismatch(held.begin(), held.end(), request.prompt.begin(),
                    request.prompt.end())
          .first -
      held.begin();
  const auto have = static_cast<Position>(held.size());
  const auto wanted = static_cast<Position>(request.prompt.size());
  auto target = static_cast<Position>(agreed);
  // A whole prompt knows what follows; a text that is cut back to it does not,
  // and its last token is evaluated again.
  const bool whole = target == wanted && target == have &&
                     !engine_.LastLogits(sequence_).empty();
  if (!whole) target = std::min(target, wanted - 1);
  loss_.clear();
  if (target == have) return 0;
  if (agreed == 0) loss_ = "none of its tokens begin this prompt";
  if (target > 0) {
    const auto removal = engine_.Remove(sequence_, target, -1);
    if (removal.ok()) return removal->reevaluated;
    loss_ = Format(
        "{} of its {} begin this prompt, and it cannot go back to "
        "there",
        agreed, Counted(have, "token"));
  }
  BRAID_TRY(engine_.Remove(sequence_, 0, -1));
  return 0;
}

Result<int> TextSequence::Hold(const Request& request,
                               const std::function<Status()>& before_last) {
  BRAID_ASSIGN(int evaluated, Agree(request));
  if (!request.encoder_text.empty() && engine_.EncoderTokens(sequence_) == 0) {
    Batch batch;
    batch.AddEncoder(request.encoder_text, sequence_);
    BRAID_TRY(engine_.Decode(batch, cancelled_));
    evaluated += static_cast<int>(batch.encoder_tokens());
  }
  const std::span<const TokenId> prompt = request.prompt;
  const auto held = static_cast<size_t>(engine_.NextPosition(sequence_));
  if (held == prompt.size()) return evaluated;
  BRAID_TRY(Append(prompt.first(prompt.size() - 1).subspan(held)));
  if (before_last) BRAID_TRY(before_last());
  BRAID_TRY(Append(prompt.last(1)));
  return evaluated + static_cast<int>(prompt.size() - held);
}

Status TextSequence::Append(std::span<const TokenId> tokens) {
  const auto most = static_cast<size_t>(engine_.options().max_batch);
  Batch batch;
  while (!tokens.empty()) {
    const size_t count = std::min(most, tokens.size());
    batch.Clear();
    Position at = engine_.NextPosition(sequence_);
    for (const TokenId token : tokens.first(count)) {
      batch.Add(token, at++, sequence_, Want::kNothing);
    }
    BRAID_TRY(engine_.Decode(batch, cancelled_));
    tokens = tokens.subspan(count);
  }
  return {};
}

Result<std::string> TextSequence::Generate(
    const Request& request,
    const std::function<void(std::string_view)>& on_text) {
  const Tokenizer& tokenizer = engine_.model().tokenizer();
  StreamingDetokenizer detokenizer(tokenizer, request.decode);
  StopText stop(request.stop_texts);
  std::string text;
  const auto emit = [&](const std::string& piece) {
    text += piece;
    if (on_text && !piece.empty()) on_text(piece);
  };
  const bool limited =
      request.max_tokens < 0 || engine_.model().info().attention;
  const int room = std::max(
      engine_.options().context - engine_.NextPosition(sequence_) + 1, 0);
  const int most = !limited ? request.max_tokens
                   : request.max_tokens < 0
                       ? room
                       : std::min(room, request.max_tokens);
  filled_ = false;
  Status ended;
  for (int count = 0; count < most && !stop.stopped() && !Cancelled();
       ++count) {
    const auto next =
        NextToken(engine_.LastLogits(sequence_), engine_.Tokens(sequence_),
                  request.sampling, scratch_);
    if (!next.ok()) {
      ended = next.error();
      break;
    }
    const TokenId token = *next;
    const bool end = tokenizer.IsEndOfGeneration(token);
    if (end && !request.decode.special) break;
    emit(stop.Add(detokenizer.Add(token)));
    if (end) break;
    filled_ = count + 1 == most && most != request.max_tokens;
    if (count + 1 == most) break;
    const Status appended = Append({&token, 1});
    if (Cancelled()) break;
    if (!appended.ok()) return appended.error();
  }
  emit(stop.Add(detokenizer.Finish()));
  emit(stop.Finish());
  if (!ended.ok()) return ended.error();
  return text;
}

}  // namespace braid::cli
