// BatchEngine: the engine. Split -> plan -> forward -> outputs.
#ifndef BRAID_SRC_ENGINE_BATCH_ENGINE_H_
#define BRAID_SRC_ENGINE_BATCH_ENGINE_H_

#include <functional>
#include <memory>
#include <vector>

#include "base/arena.h"
#include "base/thread_pool.h"
#include "batch/splitter.h"
#include "batch/validate.h"
#include "braid/engine.h"
#include "engine/loaded_model.h"
#include "engine/outputs.h"
#include "memory/hybrid_memory.h"

namespace braid {

class BatchEngine : public Engine {
 public:
  static Result<std::unique_ptr<Engine>> Create(
      std::shared_ptr<const LoadedModel> model, const EngineOptions& options);

  Status Decode(const Batch& batch,
                const std::function<bool()>& cancelled) override;
  std::span<const float> Logits(int entry) const override {
    return outputs_.Logits(entry);
  }
  Position NextPosition(SequenceId sequence) const override;
  Status Fork(SequenceId from, SequenceId to) override;
  Status Remove(SequenceId sequence, Position begin, Position end) override;
  Status Keep(SequenceId sequence) override;
  const Model& model() const override { return *model_; }
  const EngineOptions& options() const override { return options_; }
  MemoryUse memory_use() const override;

 private:
  BatchEngine(std::shared_ptr<const LoadedModel> model,
              const EngineOptions& options,
              std::unique_ptr<HybridMemory> memory);

  // One ubatch through the model; its wanted logits into the outputs.
  void Forward(const UBatch& ubatch, const UBatchView& view);
  void ExtendRopes(const UBatch& ubatch);

  std::shared_ptr<const LoadedModel> model_;
  EngineOptions options_;
  std::unique_ptr<HybridMemory> memory_;
  ThreadPool threads_;
  Arena arena_;
  Splitter splitter_;
  BatchScratch batch_scratch_;
  std::vector<RopeTable> rope_tables_;
  Outputs outputs_;
  std::vector<int32_t> wanted_entries_;
};

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_BATCH_ENGINE_H_
