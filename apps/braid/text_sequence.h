// TextSequence: one text in one sequence of an engine, which may hold a part of
// it already.
#ifndef BRAID_APPS_BRAID_TEXT_SEQUENCE_H_
#define BRAID_APPS_BRAID_TEXT_SEQUENCE_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "apps/braid/scheduler.h"
#include "braid/engine.h"
#include "braid/result.h"
#include "braid/sampling.h"

namespace braid::cli {

// The request of one prompt: of a model with an encoder the prompt is what that
// reads, and the text begins with the start token. Error: nothing to start
// from.
Result<Request> MakeRequest(const Model& model, std::string_view prompt);
// The same, and an error that begins with `name` if it is longer than a text of
// this engine may be.
Result<Request> MakeRequestWithin(const Engine& engine, std::string_view prompt,
                                  std::string_view name);

// Not thread-safe.
class TextSequence {
 public:
  // `engine` must outlive this. `cancelled`, if given, is asked at every token
  // and as in Engine::Decode.
  TextSequence(Engine& engine, SequenceId sequence,
               std::function<bool()> cancelled = {})
      : engine_(engine),
        sequence_(sequence),
        cancelled_(std::move(cancelled)) {}

  // Makes the sequence hold the request's prompt and no more, and know the
  // logits that follow. What it holds already is used as far as it agrees; an
  // encoder text that it has is the request's.
  // Returns how many tokens were evaluated. `before_last`, if given, is called
  // when all but the last token are there.
  Result<int> Hold(const Request& request,
                   const std::function<Status()>& before_last = {});
  // Generates up to request.max_tokens, and not more than the context has room
  // for; -1: as many as that. Returns the text, if cancelled as far as it came.
  Result<std::string> Generate(
      const Request& request,
      const std::function<void(std::string_view)>& on_text = {});

  // Why what the sequence held was of no use to the last Hold, or only in part;
  // empty if it was.
  const std::string& loss() const { return loss_; }
  // Was the last text ended by the context?
  bool filled() const { return filled_; }

 private:
  bool Cancelled() const { return cancelled_ && cancelled_(); }
  Status Append(std::span<const TokenId> tokens);
  // Goes back to what agrees with the request; returns tokens evaluated again.
  Result<int> Agree(const Request& request);

  Engine& engine_;
  const SequenceId sequence_;
  const std::function<bool()> cancelled_;
  std::string loss_;
  bool filled_ = false;
  SamplingScratch scratch_;
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_TEXT_SEQUENCE_H_
