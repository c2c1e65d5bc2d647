// EngineDoors: the engine as its users see it.
//
// Every method of the public API passes through here: a call from inside a
// callback of the same engine is refused, and what the engine throws becomes an
// error (base/guarded.h). The engine behind it checks the arguments and undoes
// what it had begun.
#ifndef BRAID_SRC_ENGINE_ENGINE_DOORS_H_
#define BRAID_SRC_ENGINE_ENGINE_DOORS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "braid/engine.h"

namespace braid {

class EngineDoors : public Engine {
 public:
  explicit EngineDoors(std::unique_ptr<Engine> engine)
      : engine_(std::move(engine)) {}

  Status Decode(const Batch& batch,
                const std::function<bool()>& cancelled) override;
  std::span<const float> Logits(int entry) const override {
    return engine_->Logits(entry);
  }
  std::span<const float> Hidden(int entry) const override {
    return engine_->Hidden(entry);
  }
  double LogProbability(int entry, int target) const override {
    return engine_->LogProbability(entry, target);
  }
  std::span<const float> Embedding(SequenceId sequence) const override {
    return engine_->Embedding(sequence);
  }
  std::span<const float> LastLogits(SequenceId sequence) override;
  int EncoderTokens(SequenceId sequence) const override {
    return engine_->EncoderTokens(sequence);
  }
  Position NextPosition(SequenceId sequence) const override {
    return engine_->NextPosition(sequence);
  }
  std::span<const TokenId> Tokens(SequenceId sequence) const override {
    return engine_->Tokens(sequence);
  }
  Position SharedPositions(SequenceId a, SequenceId b) const override {
    return engine_->SharedPositions(a, b);
  }
  Status Fork(SequenceId from, SequenceId to) override;
  Result<Removal> Remove(SequenceId sequence, Position begin,
                         Position end) override;
  Status Keep(SequenceId sequence) override;
  Status Checkpoint(SequenceId sequence) override;
  Status Save(const std::string& path,
              std::span<const SequenceId> sequences) const override;
  Result<std::vector<std::byte>> SaveToMemory(
      std::span<const SequenceId> sequences) const override;
  Result<Restored> Restore(const std::string& path,
                           const RestoreOptions& restore) override;
  Result<Restored> RestoreFromMemory(std::span<const std::byte> archive,
                                     const RestoreOptions& restore) override;
  Status Reconfigure(int threads, int max_ubatch, SplitPolicy split) override;
  const Model& model() const override { return engine_->model(); }
  const EngineOptions& options() const override { return engine_->options(); }
  MemoryUse memory_use() const override { return engine_->memory_use(); }

 private:
  // What `body` returns, or the error of what it throws; refused inside another
  // call. `doing` is for the error: "decoding".
  template <class Body>
  auto Enter(const char* method, const char* doing, const Body& body) const
      -> decltype(body());

  std::unique_ptr<Engine> engine_;
  mutable bool inside_ = false;  // of one of the calls that Enter makes
};

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_ENGINE_DOORS_H_
