#include "engine/engine_doors.h"

#include <utility>

#include "base/format.h"
#include "base/guarded.h"
#include "base/try.h"
#include "engine/batch_engine.h"

namespace braid {

namespace {

// Sets a flag for the length of a scope.
class Mark {
 public:
  explicit Mark(bool& flag) : flag_(flag) { flag_ = true; }
  ~Mark() { flag_ = false; }
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;

 private:
  bool& flag_;
};

Error CalledInside(const char* method) {
  return Error{
      Format("{} was called from inside a callback of the same engine, which "
             "does one thing at a time: return from the callback first",
             method)};
}

}  // namespace

template <class Body>
auto EngineDoors::Enter(const char* method, const char* doing,
                        const Body& body) const -> decltype(body()) {
  return Guarded(doing, [&]() -> decltype(body()) {
    if (inside_) return CalledInside(method);
    const Mark mark(inside_);
    return body();
  });
}

Status EngineDoors::Decode(const Batch& batch,
                           const std::function<bool()>& cancelled) {
  return Enter("Decode", "decoding",
               [&] { return engine_->Decode(batch, cancelled); });
}

std::span<const float> EngineDoors::LastLogits(SequenceId sequence) {
  using Logits = Result<std::span<const float>>;
  const Logits logits =
      Enter("LastLogits", "computing logits",
            [&]() -> Logits { return engine_->LastLogits(sequence); });
  return logits.ok() ? *logits : std::span<const float>();
}

Status EngineDoors::Fork(SequenceId from, SequenceId to) {
  return Enter("Fork", "forking a sequence",
               [&] { return engine_->Fork(from, to); });
}

Result<Removal> EngineDoors::Remove(SequenceId sequence, Position begin,
                                    Position end) {
  return Enter("Remove", "removing positions",
               [&] { return engine_->Remove(sequence, begin, end); });
}

Status EngineDoors::Keep(SequenceId sequence) {
  return Enter("Keep", "removing sequences",
               [&] { return engine_->Keep(sequence); });
}

Status EngineDoors::Checkpoint(SequenceId sequence) {
  return Enter("Checkpoint", "keeping a checkpoint",
               [&] { return engine_->Checkpoint(sequence); });
}

Status EngineDoors::Save(const std::string& path,
                         std::span<const SequenceId> sequences) const {
  return Enter("Save", "saving sequences",
               [&] { return engine_->Save(path, sequences); });
}

Result<std::vector<std::byte>> EngineDoors::SaveToMemory(
    std::span<const SequenceId> sequences) const {
  return Enter("SaveToMemory", "saving sequences",
               [&] { return engine_->SaveToMemory(sequences); });
}

Result<Restored> EngineDoors::Restore(const std::string& path,
                                      const RestoreOptions& restore) {
  return Enter("Restore", "restoring sequences",
               [&] { return engine_->Restore(path, restore); });
}

Result<Restored> EngineDoors::RestoreFromMemory(
    std::span<const std::byte> archive, const RestoreOptions& restore) {
  return Enter("RestoreFromMemory", "restoring sequences",
               [&] { return engine_->RestoreFromMemory(archive, restore); });
}

Status EngineDoors::Reconfigure(int threads, int max_ubatch,
                                SplitPolicy split) {
  return Enter("Reconfigure", "changing options", [&] {
    return engine_->Reconfigure(threads, max_ubatch, split);
  });
}

Result<std::unique_ptr<Engine>> Engine::Create(
    std::shared_ptr<const Model> model, const EngineOptions& options) {
  using Made = Result<std::unique_ptr<Engine>>;
  return Guarded("creating an engine", [&]() -> Made {
    if (model == nullptr) return Error{"model: there is none (a null pointer)"};
    auto loaded = std::dynamic_pointer_cast<const LoadedModel>(model);
    if (loaded == nullptr) {
      return Error{"model: it is not one that Model::Load has made"};
    }
    BRAID_ASSIGN(std::unique_ptr<BatchEngine> engine,
                 BatchEngine::Create(std::move(loaded), options));
    return std::unique_ptr<Engine>(
        std::make_unique<EngineDoors>(std::move(engine)));
  });
}

}  // namespace braid
