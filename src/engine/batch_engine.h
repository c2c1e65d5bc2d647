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
#include "engine/embeddings.h"
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
    return logits_.Row(entry);
  }
  std::span<const float> Hidden(int entry) const override {
    return hidden_.Row(entry);
  }
  double LogProbability(int entry) const override;
  std::span<const float> Embedding(SequenceId sequence) const override {
    return embeddings_.Embedding(sequence);
  }
  int EncoderTokens(SequenceId sequence) const override;
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

  Status Validate(const Batch& batch);
  // The encoder texts through the model, as many as fit a ubatch at a time.
  // Cancelled: those that were not read are taken back.
  Status Encode(const Batch& batch, const std::function<bool()>& cancelled);
  void EncodeTexts(const Batch& batch,
                   std::span<const Batch::EncoderText> texts);
  Pass MakePass(const UBatch& ubatch, const UBatchView& view);
  // One ubatch through the model, and what is wanted of its rows.
  void Forward(const Batch& batch, const UBatch& ubatch,
               const UBatchView& view);
  // Of the model's rows x: logits, hidden rows, scores, and what is pooled.
  void WriteLogits(Compute& compute, const UBatch& ubatch, ConstRows x);
  void WriteHidden(Compute& compute, const UBatch& ubatch, ConstRows x);
  void WriteScores(Compute& compute, const Batch& batch, const UBatch& ubatch,
                   ConstRows x);
  void Pool(Compute& compute, const UBatch& ubatch, ConstRows x);
  // The batch's entries of a ubatch's rows; valid until the next call.
  std::span<const int32_t> EntriesOf(const UBatch& ubatch,
                                     std::span<const int32_t> rows);
  void ExtendRopes(const UBatch& ubatch);

  std::shared_ptr<const LoadedModel> model_;
  EngineOptions options_;
  std::unique_ptr<HybridMemory> memory_;
  ThreadPool threads_;
  Arena arena_;
  Splitter splitter_;
  BatchScratch batch_scratch_;
  std::vector<RopeTable> rope_tables_;
  Outputs logits_;
  Outputs hidden_;
  std::vector<double> scores_;  // [entries] NaN where none
  Embeddings embeddings_;
  std::vector<int32_t> wanted_entries_;
  std::vector<int32_t> encoder_lengths_;  // [sequences]; empty: no encoder
  UBatch encoder_rows_;
  std::vector<PageTable> cross_tables_;  // [runs of a pass]
  std::vector<int32_t> cross_lengths_;   // [runs of a pass]
};

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_BATCH_ENGINE_H_
