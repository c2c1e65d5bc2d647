// Scheduler: requests -> slots -> one batch per step.
//
// A slot is a sequence of the engine. Requests wait in order until a slot is
// free and the attention layers have room for the longest text that they may
// become; then they are decoded side by side. Every step is one Decode: first
// the sampled token of each live request, then waiting prompts, as much as the
// batch holds. Which slot serves a request, and beside whom, does not show in
// its text. If the engine refuses a step, because the memory of sequences is
// full, the request that came last is set aside: its sequence is forgotten, and
// evaluated again when another request has ended.
#ifndef BRAID_APPS_BRAID_SCHEDULER_H_
#define BRAID_APPS_BRAID_SCHEDULER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/braid/console.h"
#include "apps/braid/stop_text.h"
#include "braid/batch.h"
#include "braid/engine.h"
#include "braid/result.h"
#include "braid/sampling.h"

namespace braid::cli {

struct Request {
  std::vector<TokenId> prompt;  // what follows the shared prefix
  // What the encoder of a model that has one reads first.
  std::vector<TokenId> encoder_text = {};
  int max_tokens = -1;  // -1: until it fills the context
  SamplingParams sampling;
  std::vector<std::string> stop_texts = {};
  DecodeOptions decode = {};
};

struct Response {
  int request = 0;  // its index
  int slot = 0;     // which one served it
  int prompt_tokens = 0;
  int generated_tokens = 0;  // sampled, the end of generation not counted
  double seconds = 0;        // since it got its slot
  bool filled = false;       // it ended because the context is full
  std::string error = {};    // it ended because of this; empty: it did not
  std::string text;
};

struct SchedulerOptions {
  int slots = 1;
  // Refill a slot as soon as it is free, not when all are.
  bool continuous = true;
  // Tokens that every request starts with.
  std::vector<TokenId> prefix = {};
  // Decode them once and fork; takes one more sequence of the engine.
  bool share_prefix = false;
  // Asked at every step and, as Engine::Decode does, inside one: true ends all
  // requests with the text that they have.
  std::function<bool()> cancelled = {};

  bool forks() const { return share_prefix && !prefix.empty(); }
  // Sequences that the engine must have.
  int sequences() const { return slots + (forks() ? 1 : 0); }
};

// Called from Run().
struct SchedulerEvents {
  std::function<void(int request, std::string_view text)> on_text;
  std::function<void(Response)> on_finish;  // in order of finishing
};

// A step that holds prompt and sampled tokens counts for both, by its rows.
struct SchedulerTimes {
  int64_t prompt_tokens = 0;
  int64_t decoded_tokens = 0;
  double prompt_seconds = 0;
  double decode_seconds = 0;  // sampling included
  double seconds = 0;         // of Run()
};

// Not thread-safe.
class Scheduler {
 public:
  // `engine` must outlive this; its first options.sequences() sequences must
  // be empty.
  Scheduler(Engine& engine, SchedulerOptions options, SchedulerEvents events);

  // Serves all requests; if cancelled, those that have a slot by then, up to
  // there. Errors: a request without tokens of its own or larger than the
  // context (found before anything is decoded), and the engine's of the shared
  // prefix. What the engine refuses for one request alone is in its response.
  Status Run(std::span<const Request> requests);

  const SchedulerTimes& times() const { return times_; }

 private:
  bool Cancelled() const { return options_.cancelled && options_.cancelled(); }
  Status Serve(std::span<const Request> requests);
  // Ends the requests that have a slot.
  Status FinishAll();

  // A request that is being served.
  struct Live {
    const Request& request;
    SequenceId sequence;
    std::vector<TokenId> tokens;  // prefix, prompt, sampled
    size_t decoded = 0;           // of them, by the engine
    size_t given = 0;             // the same, and those of this step's batch
    bool aside = false;           // the engine remembers nothing of it
    int max_tokens;
    int64_t reserved;       // positions
    int logits_entry = -1;  // in this step's batch; -1: none
    StreamingDetokenizer detokenizer;
    StopText stop;
    Response response;
    Stopwatch watch;
  };

  Status Validate(std::span<const Request> requests) const;
  Status DecodePrefix();
  // Starts waiting requests, in order, while there are slots and positions.
  Status Admit(std::span<const Request> requests);
  Status Start(int slot, const Request& request, int number);
  // From an empty sequence to where its own tokens begin.
  Status Prepare(Live& live);
  // Prepares it; if the engine refuses, sets it aside.
  Status Begin(int slot);
  Status SetAside(int slot, const Error& error);
  // One that was set aside goes on if a request has ended, or none goes on.
  Status Resume();
  // The slot of the one that came last of those that are not set aside, and of
  // the one that came first of those that are; -1: none.
  int Newest() const;
  int OldestAside() const;
  Status Step();
  // Fills the batch; returns how many of its rows decode sampled tokens.
  int FillBatch();
  void AddTokens(Live& live);
  void CountTime(int64_t prompt_rows, int64_t decode_rows, double seconds);
  // Samples the next token; true if it was the last.
  bool Advance(Live& live);
  Status Finish(int slot);
  void Emit(Live& live, const std::string& text);

  // Positions that a request takes in attention layers, the first for its
  // prompt and the second for prompt and generated tokens.
  int64_t PromptPositions(const Request& request) const;
  int64_t Positions(const Request& request) const;
  int64_t EncoderPositions(const Request& request) const;
  // Is its text ended by the context, not by its own limit?
  bool EndsFull(const Live& live) const;
  // Its limit, but not more than the context has room for.
  int MaxTokens(const Request& request) const;

  Engine& engine_;
  const SchedulerOptions options_;
  const SchedulerEvents events_;
  std::vector<std::optional<Live>> slots_;  // slot i is sequence i
  Batch batch_;
  SamplingScratch scratch_;
  SchedulerTimes times_;
  int64_t capacity_;        // positions for all requests together
  int64_t free_positions_;  // of them, not reserved
  int next_request_ = 0;
  bool has_room_ = false;  // a request has ended since the last Resume
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_SCHEDULER_H_
