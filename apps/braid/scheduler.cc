#include "apps/braid/scheduler.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "apps/braid/next_token.h"
#include "apps/braid/text.h"
#include "base/check.h"
#include "base/format.h"
#include "base/try.h"

namespace braid::cli {

namespace {

// Positions of a model without attention layers; sums do not overflow.
constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max() / 2;

}  // namespace

Scheduler::Scheduler(Engine& engine, SchedulerOptions options,
                     SchedulerEvents events)
    : engine_(engine),
      options_(std::move(options)),
      events_(std::move(events)),
      slots_(options_.slots),
      capacity_(engine.model().info().attention ? engine.options().context
                                                : kUnlimited) {
  BRAID_CHECK(options_.slots >= 1);
  BRAID_CHECK(engine.options().max_sequences >= options_.sequences());
  if (options_.forks() && engine.model().info().attention) {
    capacity_ -= static_cast<int64_t>(options_.prefix.size());
  }
  free_positions_ = capacity_;
}

Status Scheduler::Run(std::span<const Request> requests) {
  const Stopwatch watch;
  BRAID_TRY(Validate(requests));
  const Status served = Serve(requests);
  times_.seconds += watch.Seconds();
  // The decode that was cut short reports it as an error.
  return Cancelled() ? FinishAll() : served;
}

Status Scheduler::Serve(std::span<const Request> requests) {
  if (options_.forks()) BRAID_TRY(DecodePrefix());
  const auto is_live = [](const auto& slot) { return slot.has_value(); };
  while (!Cancelled()) {
    BRAID_TRY(Resume());
    BRAID_TRY(Admit(requests));
    if (Newest() >= 0) BRAID_TRY(Step());
    const bool waiting = next_request_ < static_cast<int>(requests.size());
    if (!waiting && std::none_of(slots_.begin(), slots_.end(), is_live)) break;
  }
  return {};
}

Status Scheduler::FinishAll() {
  for (int slot = 0; slot < options_.slots; ++slot) {
    if (slots_[slot]) BRAID_TRY(Finish(slot));
  }
  return {};
}

Status Scheduler::Validate(std::span<const Request> requests) const {
  if (capacity_ < 1) {
    return Error{
        Format("the shared prefix has {}, the context has room for {}: raise "
               "-c",
               Counted(static_cast<int64_t>(options_.prefix.size()), "token"),
               engine_.options().context)};
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].prompt.empty()) {
      return Error{Format("request {} has no tokens of its own", i + 1)};
    }
    const int64_t needed =
        std::max(PromptPositions(requests[i]), EncoderPositions(requests[i]));
    if (needed > capacity_) {
      return Error{
          Format("request {} has {}, the context has room for {}: raise -c",
                 i + 1, Counted(needed, "prompt token"), capacity_)};
    }
  }
  return {};
}

Status Scheduler::DecodePrefix() {
  const Stopwatch watch;
  const size_t count = options_.prefix.size();
  const auto most = static_cast<size_t>(engine_.options().max_batch);
  for (size_t begin = 0; begin < count; begin += most) {
    batch_.Clear();
    for (size_t i = begin; i < std::min(begin + most, count); ++i) {
      batch_.Add(options_.prefix[i], static_cast<Position>(i), options_.slots,
                 Want::kNothing);
    }
    BRAID_TRY(engine_.Decode(batch_, options_.cancelled));
  }
  CountTime(static_cast<int64_t>(count), 0, watch.Seconds());
  return {};
}

Status Scheduler::Admit(std::span<const Request> requests) {
  const bool idle = std::none_of(slots_.begin(), slots_.end(),
                                 [](const auto& s) { return s.has_value(); });
  if (!options_.continuous && !idle) return {};
  for (int slot = 0; slot < options_.slots; ++slot) {
    if (slots_[slot]) continue;
    if (OldestAside() >= 0) return {};
    if (next_request_ == static_cast<int>(requests.size())) return {};
    const Request& request = requests[next_request_];
    // The first of the queue waits until it fits, so that none starves.
    if (Positions(request) > free_positions_) return {};
    BRAID_TRY(Start(slot, request, next_request_));
    ++next_request_;
  }
  return {};
}

Status Scheduler::Start(int slot, const Request& request, int number) {
  std::vector<TokenId> tokens = options_.prefix;
  tokens.insert(tokens.end(), request.prompt.begin(), request.prompt.end());
  const auto prompt_tokens = static_cast<int>(tokens.size());
  slots_[slot].emplace(Live{.request = request,
                            .sequence = slot,
                            .tokens = std::move(tokens),
                            .max_tokens = MaxTokens(request),
                            .reserved = Positions(request),
                            .detokenizer = StreamingDetokenizer(
                                engine_.model().tokenizer(), request.decode),
                            .stop = StopText(request.stop_texts),
                            .response = {.request = number,
                                         .slot = slot,
                                         .prompt_tokens = prompt_tokens,
                                         .generated_tokens = 0,
                                         .seconds = 0,
                                         .filled = false,
                                         .error = {},
                                         .text = ""},
                            .watch = {}});
  free_positions_ -= slots_[slot]->reserved;
  return Begin(slot);
}

Status Scheduler::Prepare(Live& live) {
  live.decoded = options_.forks() ? options_.prefix.size() : 0;
  live.given = live.decoded;
  if (options_.forks()) BRAID_TRY(engine_.Fork(options_.slots, live.sequence));
  if (live.request.encoder_text.empty()) return {};
  const Stopwatch watch;
  batch_.Clear();
  batch_.AddEncoder(live.request.encoder_text, live.sequence);
  BRAID_TRY(engine_.Decode(batch_, options_.cancelled));
  CountTime(EncoderPositions(live.request), 0, watch.Seconds());
  return {};
}

Status Scheduler::Begin(int slot) {
  slots_[slot]->aside = false;
  const Status prepared = Prepare(*slots_[slot]);
  if (prepared.ok() || Cancelled()) return prepared;
  return SetAside(slot, prepared.error());
}

Status Scheduler::SetAside(int slot, const Error& error) {
  Live& live = *slots_[slot];
  live.aside = true;
  live.logits_entry = -1;
  if (Newest() < 0) {
    // Alone it does not fit either.
    live.response.error = error.message;
    return Finish(slot);
  }
  BRAID_TRY(engine_.Remove(live.sequence, 0, -1));
  return {};
}

Status Scheduler::Resume() {
  while (has_room_ || Newest() < 0) {
    has_room_ = false;
    const int slot = OldestAside();
    if (slot < 0) return {};
    // Either it goes on, or it waits for more room, or it has ended.
    BRAID_TRY(Begin(slot));
    if (slots_[slot] && slots_[slot]->aside) return {};
  }
  return {};
}

int Scheduler::OldestAside() const {
  int oldest = -1;
  for (int slot = 0; slot < options_.slots; ++slot) {
    const auto& live = slots_[slot];
    if (!live || !live->aside) continue;
    if (oldest < 0 ||
        live->response.request < slots_[oldest]->response.request) {
      oldest = slot;
    }
  }
  return oldest;
}

int Scheduler::Newest() const {
  int newest = -1;
  for (int slot = 0; slot < options_.slots; ++slot) {
    const auto& live = slots_[slot];
    if (!live || live->aside) continue;
    if (newest < 0 ||
        live->response.request > slots_[newest]->response.request) {
      newest = slot;
    }
  }
  return newest;
}

Status Scheduler::Step() {
  const Stopwatch watch;
  int decode_rows = FillBatch();
  Status decoded = engine_.Decode(batch_, options_.cancelled);
  while (!decoded.ok()) {
    if (Cancelled()) return decoded;
    BRAID_TRY(SetAside(Newest(), decoded.error()));
    if (Newest() < 0) return {};
    decode_rows = FillBatch();
    decoded = engine_.Decode(batch_, options_.cancelled);
  }
  for (auto& live : slots_) {
    if (live) live->decoded = live->given;
  }
  const int rows = batch_.size();
  for (int slot = 0; slot < options_.slots; ++slot) {
    auto& live = slots_[slot];
    if (!live || live->logits_entry < 0) continue;
    if (Advance(*live)) BRAID_TRY(Finish(slot));
  }
  CountTime(rows - decode_rows, decode_rows, watch.Seconds());
  return {};
}

int Scheduler::FillBatch() {
  batch_.Clear();
  for (auto& live : slots_) {
    if (!live) continue;
    live->given = live->decoded;
    live->logits_entry = -1;
  }
  for (auto& live : slots_) {
    if (live && live->response.generated_tokens > 0) AddTokens(*live);
  }
  const int decode_rows = batch_.size();
  for (auto& live : slots_) {
    if (live && live->response.generated_tokens == 0) AddTokens(*live);
  }
  return decode_rows;
}

// As many of the tokens that the engine has not seen as the batch holds.
void Scheduler::AddTokens(Live& live) {
  if (live.aside) return;
  while (live.given < live.tokens.size() &&
         batch_.size() < engine_.options().max_batch) {
    const bool last = live.given + 1 == live.tokens.size();
    const int entry =
        batch_.Add(live.tokens[live.given], static_cast<Position>(live.given),
                   live.sequence, last ? Want::kLogits : Want::kNothing);
    if (last) live.logits_entry = entry;
    ++live.given;
  }
}

bool Scheduler::Advance(Live& live) {
  if (live.max_tokens == 0) return true;
  const Tokenizer& tokenizer = engine_.model().tokenizer();
  const Result<TokenId> token =
      NextToken(engine_.Logits(live.logits_entry), live.tokens,
                live.request.sampling, scratch_);
  if (!token.ok()) {
    live.response.error = token.error().message;
    return true;
  }
  const bool end = tokenizer.IsEndOfGeneration(*token);
  if (end && !live.request.decode.special) return true;
  Emit(live, live.stop.Add(live.detokenizer.Add(*token)));
  if (end) return true;
  live.tokens.push_back(*token);
  ++live.response.generated_tokens;
  if (live.stop.stopped()) return true;
  live.response.filled = EndsFull(live);
  return live.response.generated_tokens == live.max_tokens;
}

bool Scheduler::EndsFull(const Live& live) const {
  return live.response.generated_tokens == live.max_tokens &&
         (live.request.max_tokens < 0 ||
          live.request.max_tokens > live.max_tokens);
}

Status Scheduler::Finish(int slot) {
  Live& live = *slots_[slot];
  Emit(live, live.stop.Add(live.detokenizer.Finish()));
  Emit(live, live.stop.Finish());
  live.response.seconds = live.watch.Seconds();
  if (events_.on_finish) events_.on_finish(std::move(live.response));
  free_positions_ += live.reserved;
  BRAID_TRY(engine_.Remove(live.sequence, 0, -1));
  slots_[slot].reset();
  has_room_ = true;
  return {};
}

void Scheduler::Emit(Live& live, const std::string& text) {
  if (text.empty()) return;
  live.response.text += text;
  if (events_.on_text) events_.on_text(live.response.request, text);
}

void Scheduler::CountTime(int64_t prompt_rows, int64_t decode_rows,
                          double seconds) {
  const double decode_seconds = seconds * static_cast<double>(decode_rows) /
                                static_cast<double>(prompt_rows + decode_rows);
  times_.prompt_tokens += prompt_rows;
  times_.decoded_tokens += decode_rows;
  times_.decode_seconds += decode_seconds;
  times_.prompt_seconds += seconds - decode_seconds;
}

int64_t Scheduler::PromptPositions(const Request& request) const {
  const size_t prefix = options_.forks() ? 0 : options_.prefix.size();
  return static_cast<int64_t>(prefix + request.prompt.size());
}

int64_t Scheduler::Positions(const Request& request) const {
  // The last token is sampled and never decoded. Encoder texts have room of
  // their own, of the same size.
  return std::max(
      PromptPositions(request) + std::max(MaxTokens(request) - 1, 0),
      EncoderPositions(request));
}

int64_t Scheduler::EncoderPositions(const Request& request) const {
  return static_cast<int64_t>(request.encoder_text.size());
}

int Scheduler::MaxTokens(const Request& request) const {
  // The last token is sampled and never decoded.
  const int64_t room = capacity_ - PromptPositions(request) + 1;
  if (request.max_tokens >= 0) {
    return static_cast<int>(std::min<int64_t>(request.max_tokens, room));
  }
  // A recurrent model has room for ever, but a text must end.
  const auto given =
      static_cast<int64_t>(options_.prefix.size() + request.prompt.size());
  const int64_t context = engine_.options().context;
  return static_cast<int>(std::clamp<int64_t>(context - given + 1, 0, room));
}

}  // namespace braid::cli
