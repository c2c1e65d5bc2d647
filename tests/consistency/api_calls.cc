#include "tests/consistency/api_calls.h"

#include <bit>
#include <climits>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/random.h"
#include "braid/engine.h"
#include "braid/model.h"
#include "braid/sampling.h"

namespace braid {

namespace {

constexpr SequenceId kSequences = 3;
constexpr int kTokens = 40;  // every tiny model's vocabulary is larger
constexpr Position kLongest = 120;

template <class T>
bool SameBits(std::span<const T> a, std::span<const T> b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if constexpr (std::is_same_v<T, float>) {
      if (std::bit_cast<uint32_t>(a[i]) != std::bit_cast<uint32_t>(b[i])) {
        return false;
      }
    } else if (a[i] != b[i]) {
      return false;
    }
  }
  return true;
}

class Caller {
 public:
  Caller(TinyKind kind, const Tokenizer& tokenizer, uint64_t seed)
      : random_(seed, 0),
        tokenizer_(tokenizer),
        detokenizer_(tokenizer),
        model_(MakeTinyModel(kind, DType::kF32)),
        whole_(model_->info().bidirectional) {
    options_ = {.context = 300,
                .max_batch = 64,
                .max_ubatch = whole_ ? 24 : 8,
                .max_sequences = kSequences,
                .threads = 1,
                .split = whole_ ? SplitPolicy::kWhole : SplitPolicy::kRagged,
                .pooling = Pooling::kMean,
                .rollback = whole_ ? 0 : 4,
                .checkpoint_every = whole_ ? 0 : 8};
    subject_ = *Engine::Create(model_, options_);
    twin_ = *Engine::Create(model_, options_);
  }

  CallTally Run(int64_t calls) {
    while (tally_.calls < calls && tally_.failure.empty()) {
      ++tally_.calls;
      Call();
      if (!tally_.failure.empty()) {
        tally_.failure = Format("call {}: {}", tally_.calls, tally_.failure);
      }
    }
    return tally_;
  }

 private:
  bool Chance(int percent) { return Below(100) < percent; }
  int Below(int count) { return random_.Below(count); }

  // A number that is often right and often not.
  int Strange(int right) {
    constexpr int kStrange[] = {
        -1, 0,      1,           2,       3,       7,  77,          -77,    64,
        65, 100000, INT_MAX - 1, INT_MAX, INT_MIN, 40, INT_MIN + 1, 1 << 24};
    if (Chance(60)) return right;
    return kStrange[Below(static_cast<int>(std::size(kStrange)))];
  }
  SequenceId AnySequence() { return Strange(Below(kSequences)); }
  float StrangeNumber(float right) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    constexpr float kStrange[] = {
        -1.f,      0.f,        1.f,
        2.f,       1e-45f,     1e38f,
        kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()};
    if (Chance(70)) return right;
    return kStrange[Below(static_cast<int>(std::size(kStrange)))];
  }

  void Call() {
    switch (Below(20)) {
      case 0:
        return Fork();
      case 1:
      case 2:
        return Remove();
      case 3:
        return Both("Checkpoint", [s = AnySequence()](Engine& engine) {
          return engine.Checkpoint(s);
        });
      case 4:
        return Chance(20) ? Keep() : Ask();
      case 5:
        return Restore();
      case 6:
        return Save();
      case 7:
        return Reconfigure();
      case 8:
        return Create();
      case 9:
        return Sample();
      case 10:
        return Detokenize();
      case 11:
      case 12:
      case 13:
        return Ask();
      default:
        return Decode();
    }
  }

  // The twin is called only if the subject has accepted.
  void Both(const char* what, const std::function<Status(Engine&)>& call) {
    const Status status = call(*subject_);
    if (!status.ok()) {
      ++tally_.refused;
      if (status.error().message.empty()) Fail("{}: an empty error", what);
      return;
    }
    ++tally_.accepted;
    const Status same = call(*twin_);
    if (!same.ok()) Fail("the twin refuses: {}", same.error().message);
  }

  template <class... Arguments>
  void Fail(const char* pattern, const Arguments&... arguments) {
    if (tally_.failure.empty()) tally_.failure = Format(pattern, arguments...);
  }

  void Fork() {
    Both("Fork", [from = AnySequence(), to = AnySequence()](Engine& engine) {
      return engine.Fork(from, to);
    });
  }

  void Keep() {
    Both("Keep",
         [s = AnySequence()](Engine& engine) { return engine.Keep(s); });
  }

  void Remove() {
    const SequenceId sequence = AnySequence();
    const Position length = subject_->NextPosition(sequence);
    const Position begin =
        Strange(whole_ || Chance(20) ? 0 : length - Below(9));
    const Position end = Strange(-1);
    Both("Remove", [=](Engine& engine) -> Status {
      const auto removed = engine.Remove(sequence, begin, end);
      return removed.ok() ? Status() : removed.error();
    });
  }

  void Reconfigure() {
    const int threads = Chance(80) ? 1 : Strange(2);
    // Thousands of threads are not wrong, and take their time.
    if (threads > 64 && threads <= 1024) return;
    const int rows = Strange(whole_ ? 24 : 8);
    const auto split = static_cast<SplitPolicy>(
        Chance(50) ? static_cast<int>(options_.split) : Strange(2));
    Both("Reconfigure", [=](Engine& engine) {
      return engine.Reconfigure(threads, rows, split);
    });
  }

  void Create() {
    EngineOptions options = options_;
    options.context = Strange(300);
    options.max_batch = Strange(64);
    options.max_ubatch = Strange(8);
    options.max_sequences = Strange(3);
    options.threads = Strange(1) == 1 ? 1 : -Below(9);
    options.split = static_cast<SplitPolicy>(Strange(0));
    options.kv_type = static_cast<KvType>(Strange(1));
    options.pooling = static_cast<Pooling>(Strange(1));
    options.rollback = Strange(0);
    options.checkpoint_every = Strange(0);
    options.page_positions = Strange(32);
    const bool null = Chance(10);
    const auto engine = Engine::Create(null ? nullptr : model_, options);
    if (engine.ok() && null) Fail("an engine without a model");
    if (!engine.ok()) ++tally_.refused;
    const auto model = Model::Load(Chance(50) ? "" : "/",
                                   {.threads = Strange(1), .progress = {}});
    if (model.ok()) Fail("a model of a folder");
  }

  void Save() {
    std::vector<SequenceId> ids;
    for (int i = Below(4); i > 0; --i) ids.push_back(AnySequence());
    const auto saved = subject_->SaveToMemory(ids);
    if (!saved.ok()) {
      ++tally_.refused;
      return;
    }
    const auto same = twin_->SaveToMemory(ids);
    if (!same.ok() || *same != *saved) return Fail("the archives differ");
    ++tally_.compared;
    archive_ = *saved;
  }

  void Restore() {
    std::vector<std::byte> archive = archive_;
    if (!archive.empty() && Chance(30)) {
      archive[random_.Bits() % archive.size()] ^= std::byte{0x40};
    }
    if (Chance(20)) archive.resize(archive.size() / 2);
    RestoreOptions restore;
    if (Chance(40)) restore.only_sequence_to = AnySequence();
    for (int i = Below(3); i > 0; --i) {
      restore.ids.emplace_back(AnySequence(), AnySequence());
    }
    Both("Restore", [&](Engine& engine) -> Status {
      const auto restored = engine.RestoreFromMemory(archive, restore);
      return restored.ok() ? Status() : restored.error();
    });
  }

  void AddEntries(Batch& batch) {
    for (SequenceId s = 0; s < kSequences; ++s) {
      if (Chance(40)) continue;
      Position next = subject_->NextPosition(s);
      if (next > kLongest) continue;
      if (model_->info().encoder && subject_->EncoderTokens(s) == 0) {
        batch.AddEncoder(std::vector<TokenId>(1 + Below(6), Below(kTokens)), s);
      }
      const Want wanted = static_cast<Want>(Below(3));
      for (int count = 1 + Below(whole_ ? 6 : 12); count > 0; --count) {
        batch.Add(Below(kTokens), next++, s, wanted);
      }
    }
  }

  // One thing that is wrong, or only seems to be.
  void Spoil(Batch& batch) {
    const std::vector<SequenceId> set = {AnySequence(), AnySequence()};
    const std::span<const SequenceId> some =
        std::span(set).first(static_cast<size_t>(Below(3)));
    switch (Below(6)) {
      case 0:
        batch.Add(Strange(1), Strange(0), some, static_cast<Want>(Strange(42)));
        return;
      case 1:
        batch.AddScored(
            Strange(1), subject_->NextPosition(0), some,
            std::vector<TokenId>(static_cast<size_t>(Below(3)), Strange(5)));
        return;
      case 2:
        batch.AddEncoder(
            std::vector<TokenId>(static_cast<size_t>(Below(40)), Strange(5)),
            some);
        return;
      default:
        break;
    }
    if (batch.size() == 0) return;
    Batch::Entry& entry = batch[Below(batch.size())];
    switch (Below(8)) {
      case 0:
        entry.token = Strange(-5);
        return;
      case 1:
        entry.position = Strange(INT_MAX);
        return;
      case 2:
        entry.want = static_cast<Want>(Strange(42));
        return;
      case 3:
        entry.sequences_begin = Strange(-5);
        return;
      case 4:
        entry.sequences_count = Strange(INT_MAX);
        return;
      case 5:
        entry.want = Want::kScore;
        entry.more_targets_begin = Strange(3);
        return;
      case 6:
        entry.want = Want::kScore;
        entry.more_targets_count = Strange(INT_MAX);
        return;
      default:
        entry.target = Strange(-9);
        return;
    }
  }

  // What a callback may try with its engine, all of which is refused.
  bool RefusesWithin() {
    Batch batch;
    batch.Add(1, 0, 0, Want::kLogits);
    (void)subject_->NextPosition(AnySequence());
    (void)subject_->Tokens(AnySequence());
    (void)subject_->Logits(Strange(0));
    return !subject_->Decode(batch).ok() && !subject_->Fork(0, 1).ok() &&
           !subject_->Remove(0, 0, -1).ok() && !subject_->Keep(0).ok() &&
           !subject_->Checkpoint(0).ok() && !subject_->SaveToMemory().ok() &&
           !subject_->RestoreFromMemory(archive_).ok() &&
           !subject_->Reconfigure(1, 8, SplitPolicy::kRagged).ok() &&
           subject_->LastLogits(0).empty();
  }

  void Decode() {
    Batch batch;
    AddEntries(batch);
    if (Chance(50)) Spoil(batch);
    const int cancel_after = Chance(20) ? Below(4) : INT_MAX;
    const bool throws = Chance(50);
    int asked = 0;
    bool cancelled = false;
    const Status status = subject_->Decode(batch, [&] {
      if (Chance(10) && !RefusesWithin()) Fail("a call within a call");
      cancelled = asked++ >= cancel_after;
      if (cancelled && throws) throw std::runtime_error("of the caller");
      return cancelled;
    });
    batch_size_ = batch.size();
    if (!status.ok() && !cancelled) {
      ++tally_.refused;
      return;
    }
    ++tally_.accepted;
    if (cancelled && throws &&
        status.error().message.find("of the caller") == std::string::npos) {
      return Fail("what was thrown is not told: {}", status.error().message);
    }
    asked = 0;
    const Status same =
        twin_->Decode(batch, [&] { return asked++ >= cancel_after; });
    if (same.ok() != status.ok()) return Fail("only one of them was cancelled");
  }

  void Ask() {
    const SequenceId s = AnySequence();
    const SequenceId other = AnySequence();
    const bool same = subject_->NextPosition(s) == twin_->NextPosition(s) &&
                      subject_->EncoderTokens(s) == twin_->EncoderTokens(s) &&
                      subject_->SharedPositions(s, other) ==
                          twin_->SharedPositions(s, other) &&
                      SameBits(subject_->Tokens(s), twin_->Tokens(s)) &&
                      SameBits(subject_->Embedding(s), twin_->Embedding(s)) &&
                      SameBits(subject_->LastLogits(s), twin_->LastLogits(s));
    if (!same) return Fail("sequence {} differs", s);
    const auto use = subject_->memory_use();
    if (use.checkpoints != twin_->memory_use().checkpoints) {
      return Fail("the checkpoints differ");
    }
    ++tally_.compared;
    const int entry = Strange(batch_size_ > 0 ? Below(batch_size_) : 0);
    const int target = Strange(0);
    (void)subject_->LogProbability(entry, target);
    (void)subject_->Logits(entry);
    (void)subject_->Hidden(entry);
  }

  void Sample() {
    std::vector<float> logits(static_cast<size_t>(Below(50)));
    for (float& logit : logits) logit = StrangeNumber(random_.Uniform(-4, 4));
    std::vector<TokenId> history(static_cast<size_t>(Below(5)), Strange(3));
    SamplingParams params;
    params.temperature = StrangeNumber(0.8f);
    params.top_k = Strange(40);
    params.top_p = StrangeNumber(0.9f);
    params.min_p = StrangeNumber(0.1f);
    params.typical_p = StrangeNumber(1.f);
    params.penalty_window = Strange(4);
    params.repeat_penalty = StrangeNumber(1.1f);
    params.frequency_penalty = StrangeNumber(0.f);
    params.presence_penalty = StrangeNumber(0.f);
    if (Chance(30))
      params.logit_bias.emplace_back(Strange(3), StrangeNumber(1));
    const bool valid =
        ValidateSampling(params, static_cast<int>(logits.size())).ok();
    const TokenId token = SampleToken(logits, history, params, scratch_);
    const bool none = logits.empty() || !valid;
    if (none ? token != kNoToken
             : token < 0 || static_cast<size_t>(token) >= logits.size()) {
      Fail("token {} of {} logits", token, logits.size());
    }
    if (Chance(5)) SamplingScratch moved = std::move(scratch_);
  }

  void Detokenize() {
    const TokenId token = Strange(Below(tokenizer_.vocabulary_size()));
    (void)tokenizer_.Piece(token, {.special = Chance(50)});
    (void)tokenizer_.StoredText(token);
    (void)tokenizer_.IsControl(token);
    (void)tokenizer_.IsEndOfGeneration(token);
    (void)detokenizer_.Add(token);
    if (Chance(10)) (void)detokenizer_.Finish();
    std::string text;
    for (int i = Below(20); i > 0; --i) {
      text += static_cast<char>(random_.Bits() % 256);
    }
    (void)tokenizer_.Encode(
        text, {.add_special = Chance(50), .parse_special = Chance(50)});
    (void)tokenizer_.Decode(std::vector<TokenId>{token, Strange(0)}, {});
  }

  Random random_;
  const Tokenizer& tokenizer_;
  StreamingDetokenizer detokenizer_;
  std::shared_ptr<const LoadedModel> model_;
  bool whole_;  // texts cannot be cut
  EngineOptions options_;
  std::unique_ptr<Engine> subject_;
  std::unique_ptr<Engine> twin_;
  SamplingScratch scratch_;
  std::vector<std::byte> archive_;
  int batch_size_ = 0;
  CallTally tally_;
};

}  // namespace

CallTally MakeRandomCalls(TinyKind kind, const Tokenizer& tokenizer,
                          uint64_t seed, int64_t calls) {
  return Caller(kind, tokenizer, seed).Run(calls);
}

}  // namespace braid
