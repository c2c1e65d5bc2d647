#include "tests/consistency/failures.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "base/format.h"
#include "braid/engine.h"
#include "braid/model.h"

namespace braid {

namespace {

using Operation = FailingOperation;

constexpr int kVocabulary = 40;  // every tiny model has more tokens
constexpr SequenceId kSequences = 4;
constexpr Position kPrompt = 21;

TokenId TokenAt(SequenceId sequence, Position position) {
  return (position * 7 + sequence * 3 + 1) % kVocabulary;
}

// An engine with sequences in it, and what can be done to them.
class World {
 public:
  World(std::shared_ptr<const LoadedModel> model, Operation operation)
      : model_(std::move(model)),
        whole_(model_->info().bidirectional),
        want_(model_->info().logits ? Want::kLogits : Want::kHidden) {
    options_ = {.context = 400,
                .max_batch = 128,
                .max_ubatch = whole_ ? 32 : 8,
                .max_sequences = kSequences,
                .threads = operation == Operation::kCreate ? 3 : 1,
                .split = whole_ ? SplitPolicy::kWhole : SplitPolicy::kRagged,
                .pooling = Pooling::kMean,
                .rollback = whole_ ? 0 : 4,
                .checkpoint_every = whole_ ? 0 : 8};
  }

  // Everything that comes before the operation.
  Status Prepare(Operation operation) {
    if (operation == Operation::kCreate) return {};
    Status status = Create();
    if (!status.ok() || operation == Operation::kDecode) return status;
    status = DecodeAll(Prompts());
    if (status.ok() && !whole_) status = engine_->Fork(0, 2);
    if (status.ok() && operation == Operation::kRestore) {
      auto saved = engine_->SaveToMemory();
      if (!saved.ok()) return saved.error();
      archive_ = std::move(*saved);
      // What the restored sequences replace is something else.
      if (!whole_) status = DecodeAll(Steps(2));
    }
    before_ = Archive();
    return status;
  }

  // What Act will need of memory for itself.
  void MakeReady(Operation operation) {
    batch_.Clear();
    if (operation == Operation::kDecode) batch_ = Prompts();
    if (operation == Operation::kStep && !whole_) batch_ = Steps(1);
    if (operation == Operation::kScores) batch_ = Scores();
  }

  // Calls the engine, and does nothing else. MakeReady comes before.
  Status Act(Operation operation) {
    switch (operation) {
      case Operation::kCreate:
        return Create();
      case Operation::kDecode:
      case Operation::kStep:
      case Operation::kScores:
        return DecodeAll(batch_);
      case Operation::kFork:
        return engine_->Fork(whole_ ? 3 : 1, 3);
      case Operation::kRemove:
        return Remove(0, whole_ ? 0 : kPrompt - 3);
      case Operation::kRemoveFar:
        return Remove(1, whole_ ? 0 : kPrompt - 7);
      case Operation::kKeep:
        return Keep();
      case Operation::kCheckpoint:
        return engine_->Checkpoint(1);
      case Operation::kSave: {
        const auto saved = engine_->SaveToMemory();
        return saved.ok() ? Status() : saved.error();
      }
      case Operation::kSaveFile:
        return engine_->Save(file_);
      case Operation::kRestore: {
        const auto restored = engine_->RestoreFromMemory(archive_);
        return restored.ok() ? Status() : restored.error();
      }
      case Operation::kLastLogits:
        return engine_->LastLogits(1).empty() && model_->info().logits
                   ? Status(Error{"no logits"})
                   : Status();
      case Operation::kReconfigure:
        return engine_->Reconfigure(3, whole_ ? 24 : 6, options_.split);
    }
    return Error{"no such operation"};
  }

  // Is the engine what it may be after the operation has failed? Empty: yes.
  std::string CheckFailed(Operation operation) {
    if (operation == Operation::kCreate) {
      return engine_ == nullptr ? "" : "there is an engine";
    }
    const bool may_shrink =
        operation == Operation::kRemove || operation == Operation::kRemoveFar;
    const bool may_grow = operation == Operation::kDecode ||
                          operation == Operation::kStep ||
                          operation == Operation::kScores;
    for (SequenceId s = 0; s < kSequences; ++s) {
      const Position next = engine_->NextPosition(s);
      if (static_cast<size_t>(next) != engine_->Tokens(s).size()) {
        return Format("sequence {} has {} positions and {} tokens", s, next,
                      engine_->Tokens(s).size());
      }
    }
    if (may_shrink || may_grow) return "";
    return Archive() == before_ ? "" : "the engine is not as it was";
  }

  // After a failed operation and before it is tried again: what it has done in
  // part is completed by other means.
  Status Complete(Operation operation) {
    const bool far = operation == Operation::kRemoveFar;
    if (operation == Operation::kRemove || far) {
      const SequenceId sequence = far ? 1 : 0;
      const Position target = whole_ ? 0 : kPrompt - (far ? 7 : 3);
      if (engine_->NextPosition(sequence) < target) {
        return Extend(sequence, target);
      }
    }
    return {};
  }

  // The logits of a few more tokens of every sequence, one after another.
  Result<std::vector<float>> Probe() {
    std::vector<float> rows;
    for (SequenceId s = 0; s < kSequences; ++s) {
      if (whole_) {
        const Status status = Remove(s, 0);
        if (!status.ok()) return status.error();
      }
      if (model_->info().encoder && engine_->EncoderTokens(s) == 0) continue;
      Batch batch;
      const Position next = engine_->NextPosition(s);
      for (Position p = next; p < next + 3; ++p) {
        batch.Add(TokenAt(s, p), p, s, want_);
      }
      const Status status = engine_->Decode(batch);
      if (!status.ok()) return status.error();
      for (int i = 0; i < batch.size(); ++i) {
        const auto row =
            want_ == Want::kLogits ? engine_->Logits(i) : engine_->Hidden(i);
        rows.insert(rows.end(), row.begin(), row.end());
      }
      rows.push_back(static_cast<float>(next));
    }
    return rows;
  }

  ~World() { std::remove(file_.c_str()); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

 private:
  Status Create() {
    auto engine = Engine::Create(model_, options_);
    if (!engine.ok()) return engine.error();
    engine_ = std::move(*engine);
    return {};
  }

  Status DecodeAll(const Batch& batch) {
    return batch.size() == 0 ? Status() : engine_->Decode(batch);
  }

  // What is missing of the prompts of sequences 0 and 1.
  Batch Prompts() const {
    Batch batch;
    for (SequenceId s = 0; s < 2; ++s) {
      if (model_->info().encoder && engine_->EncoderTokens(s) == 0) {
        batch.AddEncoder(std::vector<TokenId>{3, 1, 4, 1, 5}, s);
      }
      for (Position p = engine_->NextPosition(s); p < kPrompt; ++p) {
        batch.Add(TokenAt(s, p), p, s,
                  p + 1 == kPrompt ? want_ : Want::kNothing);
      }
    }
    return batch;
  }

  // What is missing of `count` tokens more for every sequence that holds some.
  Batch Steps(int count) const {
    Batch batch;
    for (SequenceId s = 0; s < kSequences; ++s) {
      const Position next = engine_->NextPosition(s);
      for (Position p = next; next > 0 && p < kPrompt + count; ++p) {
        batch.Add(TokenAt(s, p), p, s, want_);
      }
    }
    return batch;
  }

  Batch Scores() const {
    Batch batch;
    if (whole_ || !model_->info().logits) return batch;
    for (Position p = engine_->NextPosition(1); p < kPrompt + 9; ++p) {
      batch.AddScored(TokenAt(1, p), p, 1, TokenAt(1, p + 1));
    }
    return batch;
  }

  Status Extend(SequenceId sequence, Position target) {
    Batch batch;
    if (model_->info().encoder && engine_->EncoderTokens(sequence) == 0) {
      batch.AddEncoder(std::vector<TokenId>{3, 1, 4, 1, 5}, sequence);
    }
    for (Position p = engine_->NextPosition(sequence); p < target; ++p) {
      batch.Add(TokenAt(sequence, p), p, sequence, Want::kNothing);
    }
    return engine_->Decode(batch);
  }

  Status Remove(SequenceId sequence, Position begin) {
    const auto removed = engine_->Remove(sequence, begin, -1);
    return removed.ok() ? Status() : removed.error();
  }

  Status Keep() { return engine_->Keep(0); }

  std::vector<std::byte> Archive() {
    auto saved = engine_->SaveToMemory();
    return saved.ok() ? std::move(*saved) : std::vector<std::byte>();
  }

  std::shared_ptr<const LoadedModel> model_;
  bool whole_;  // texts cannot be cut
  Want want_;
  EngineOptions options_;
  std::unique_ptr<Engine> engine_;
  Batch batch_;
  const std::string file_ =
      (std::filesystem::temp_directory_path() /
       Format("braid_failures_{}", static_cast<int64_t>(::getpid())))
          .string();
  std::vector<std::byte> archive_;
  std::vector<std::byte> before_;
};

// Calls try_point(n, failing) for points of a call that passes `count`.
void ForPoints(int64_t count, int64_t most,
               const std::function<bool(int64_t)>& try_point) {
  const int64_t step = std::max<int64_t>(1, (count + most - 1) / most);
  for (int64_t n = 1; n <= count; n += step) {
    if (!try_point(n)) return;
  }
}

// One point of an operation; what is wrong afterwards, or empty.
std::string FailOnce(const std::shared_ptr<const LoadedModel>& model,
                     Operation operation, Failing failing, int64_t point,
                     const std::vector<float>& expected, FailureTally& tally) {
  World world(model, operation);
  Status status = world.Prepare(operation);
  if (!status.ok()) return "preparing: " + status.error().message;
  bool failed = false;
  world.MakeReady(operation);
  {
    const FailingResources resources(point, failing);
    status = world.Act(operation);
    failed = resources.failed();
  }
  if (failed) ++tally.points;
  if (!status.ok()) {
    ++tally.errors;
    if (!failed) return "an error without a cause: " + status.error().message;
    const std::string wrong = world.CheckFailed(operation);
    if (!wrong.empty()) return wrong;
    status = world.Complete(operation);
    if (!status.ok()) return "completing: " + status.error().message;
    world.MakeReady(operation);
    status = world.Act(operation);
    if (!status.ok()) return "trying again: " + status.error().message;
  }
  const auto rows = world.Probe();
  if (!rows.ok()) return "going on: " + rows.error().message;
  return *rows == expected ? "" : "other bits";
}

}  // namespace

std::string ToText(FailingOperation operation) {
  constexpr const char* kNames[] = {
      "create",         "decode",     "step",        "scores",     "fork",
      "remove",         "remove far", "keep",        "checkpoint", "save",
      "save to a file", "restore",    "last logits", "reconfigure"};
  return kNames[static_cast<int>(operation)];
}

void FailureTally::Add(const FailureTally& other) {
  points += other.points;
  errors += other.errors;
  if (failure.empty()) failure = other.failure;
}

FailureTally FailOperation(TinyKind kind, FailingOperation operation,
                           Failing failing, int64_t most_points) {
  const auto model = MakeTinyModel(kind, DType::kF32);
  FailureTally tally;
  World twin(model, operation);
  Status status = twin.Prepare(operation);
  int64_t count = 0;
  if (status.ok()) {
    twin.MakeReady(operation);
    const FailingResources none(0, failing);
    status = twin.Act(operation);
    count = none.passed();
  }
  if (!status.ok()) {
    tally.failure = Format("{}, {}: {}", ToText(kind), ToText(operation),
                           status.error().message);
    return tally;
  }
  const auto expected = twin.Probe();
  if (!expected.ok()) {
    tally.failure = Format("{}: {}", ToText(kind), expected.error().message);
    return tally;
  }
  ForPoints(count, most_points, [&](int64_t point) {
    const std::string wrong =
        FailOnce(model, operation, failing, point, *expected, tally);
    if (wrong.empty()) return true;
    tally.failure = Format("{}, {}, point {} of {}: {}", ToText(kind),
                           ToText(operation), point, count, wrong);
    return false;
  });
  return tally;
}

namespace {

// Whether it worked; the error's message otherwise.
Status LoadAndUse(const std::string& path, std::vector<TokenId>& ids) {
  const auto model = Model::Load(path, {.threads = 2, .progress = {}});
  if (!model.ok()) return model.error();
  const auto tokenizer = LoadTokenizer(path);
  if (!tokenizer.ok()) return tokenizer.error();
  try {
    ids = (*tokenizer)
              ->Encode("It was a bright, cold day; 14 clocks struck.", {});
  } catch (const std::bad_alloc&) {
    return Error{"out of memory"};  // as include/braid/result.h says
  }
  return {};
}

}  // namespace

FailureTally FailLoading(const std::string& path, Failing failing,
                         int64_t most_points) {
  FailureTally tally;
  std::vector<TokenId> expected;
  int64_t count = 0;
  {
    const FailingResources none(0, failing);
    const Status status = LoadAndUse(path, expected);
    count = none.passed();
    if (!status.ok()) {
      tally.failure = status.error().message;
      return tally;
    }
  }
  ForPoints(count, most_points, [&](int64_t point) {
    std::vector<TokenId> ids;
    Status status;
    bool failed = false;
    {
      const FailingResources resources(point, failing);
      status = LoadAndUse(path, ids);
      failed = resources.failed();
    }
    if (failed) ++tally.points;
    if (!status.ok()) ++tally.errors;
    if (status.ok() ? ids == expected : failed) return true;
    tally.failure = Format("loading, point {} of {}: {}", point, count,
                           status.ok() ? "other tokens" : "no cause");
    return false;
  });
  return tally;
}

}  // namespace braid
