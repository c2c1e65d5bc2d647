// BatchEngine: the engine. Split -> plan -> forward -> outputs.
#ifndef BRAID_SRC_ENGINE_BATCH_ENGINE_H_
#define BRAID_SRC_ENGINE_BATCH_ENGINE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/thread_pool.h"
#include "batch/splitter.h"
#include "batch/validate.h"
#include "braid/engine.h"
#include "engine/carried.h"
#include "engine/loaded_model.h"
#include "engine/outputs.h"
#include "engine/pass_undo.h"
#include "engine/pooler.h"
#include "engine/save.h"
#include "memory/hybrid_memory.h"

namespace braid {

class BatchEngine : public Engine {
 public:
  // kSkipped: an engine that does everything but to compute.
  static Result<std::unique_ptr<BatchEngine>> Create(
      std::shared_ptr<const LoadedModel> model, const EngineOptions& options,
      ThreadPool::Tasks tasks = ThreadPool::Tasks::kRun);

  Status Decode(const Batch& batch,
                const std::function<bool()>& cancelled) override;
  std::span<const float> Logits(int entry) const override {
    return logits_.Row(entry);
  }
  std::span<const float> Hidden(int entry) const override {
    return hidden_.Row(entry);
  }
  double LogProbability(int entry, int target) const override;
  std::span<const float> Embedding(SequenceId sequence) const override;
  std::span<const float> LastLogits(SequenceId sequence) override;
  int EncoderTokens(SequenceId sequence) const override;
  Position NextPosition(SequenceId sequence) const override;
  std::span<const TokenId> Tokens(SequenceId sequence) const override;
  Position SharedPositions(SequenceId a, SequenceId b) const override;
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
  const Model& model() const override { return *model_; }
  const EngineOptions& options() const override { return options_; }
  MemoryUse memory_use() const override;
  HybridMemory& memory() { return *memory_; }
  // Every matrix product of later batches is shown to `observer`, which must
  // outlive them; nullptr: none.
  void ObserveInputs(InputObserver* observer) { observer_ = observer; }

 private:
  BatchEngine(std::shared_ptr<const LoadedModel> model,
              const EngineOptions& options,
              std::unique_ptr<HybridMemory> memory, ThreadPool::Tasks tasks);

  // The road of a batch: batch_engine.cc.
  Status Validate(const Batch& batch);
  // The encoder texts through the model, as many as fit a ubatch at a time.
  // Cancelled, or when it throws: those that were not read are taken back.
  Status Encode(const Batch& batch, const std::function<bool()>& cancelled);
  Status EncodeAll(const Batch& batch, const std::function<bool()>& cancelled,
                   size_t& read);
  void EncodeTexts(const Batch& batch,
                   std::span<const Batch::EncoderText> texts);
  // What was planned, from the first ubatch to the last; the results of earlier
  // batches stay. Throws with the plan cancelled, as a cancel leaves it.
  Status Evaluate(const Batch& batch, std::span<const UBatch> ubatches,
                  const std::function<bool()>& cancelled);
  Pass MakePass(const UBatch& ubatch, const UBatchView& view);
  // One ubatch of the plan, from Begin to Commit. Throws with everything as it
  // was before the ubatch; the plan is then to be cancelled.
  void EvaluateOne(const Batch& batch, const UBatch& ubatch, int index);
  // Room for what Carry will write down of sequences that are not pooled.
  void ReserveCarried(const UBatch& ubatch);
  // One ubatch through the model, and what is wanted of its rows.
  void Forward(const Batch& batch, const UBatch& ubatch,
               const UBatchView& view);
  // Of the model's rows x: logits, hidden rows, scores, and what is pooled.
  void WriteLogits(Compute& compute, const UBatch& ubatch, ConstRows x);
  void WriteHidden(Compute& compute, const UBatch& ubatch, ConstRows x);
  void WriteScores(Compute& compute, const Batch& batch, const UBatch& ubatch,
                   ConstRows x);
  // What the sequences of a ubatch carry, from its rows x.
  void Carry(Compute& compute, const UBatch& ubatch, ConstRows x);
  // Rows of one run, {rows, width}, into what its sequence has pooled.
  void Pool(Compute& compute, const Run& run, ConstRows x, Carried& carried);
  // Room for the scores of a batch's targets.
  void BeginScores(const Batch& batch);
  // The batch's entries of a ubatch's rows; valid until the next call.
  std::span<const int32_t> EntriesOf(const UBatch& ubatch,
                                     std::span<const int32_t> rows);
  void ExtendRopes(const UBatch& ubatch);

  // What happens to sequences between batches: batch_engine_sequences.cc.
  bool Exists(SequenceId sequence) const {
    return sequence >= 0 && sequence < options_.max_sequences;
  }
  Result<Removal> GoBack(SequenceId sequence, Position position);
  Result<Removal> GoBackPooled(SequenceId sequence, Position position);
  void GiveUpReplay(SequenceId sequence,
                    const StateCells::Checkpoint& checkpoint);
  // Rebuilds the state of one run, of positions [begin, end) of a sequence.
  void Replay(SequenceId sequence, const UBatchView& view);
  // Tokens that the sequence has lost, from its next position on, again.
  Status Reevaluate(SequenceId sequence, std::span<const TokenId> tokens);
  // Marks of checkpoints that the memory has dropped.
  void DropMarks(SequenceId sequence);

  // What save and restore work on: batch_engine_state.cc.
  EngineState StateForArchive() const;

  std::shared_ptr<const LoadedModel> model_;
  EngineOptions options_;
  std::unique_ptr<HybridMemory> memory_;
  std::unique_ptr<ThreadPool> threads_;
  Arena arena_;
  KnownSizes known_sizes_;
  InputObserver* observer_ = nullptr;
  Splitter splitter_;
  BatchScratch batch_scratch_;
  std::vector<RopeTable> rope_tables_;
  Outputs logits_;
  Outputs hidden_;
  std::vector<double> scores_;  // [targets of all entries] NaN where none
  std::vector<int32_t> scores_begin_;  // [entries + 1] of an entry's scores
  Pooler pooler_;
  std::vector<Carried> carried_;  // [sequences]
  std::vector<float> last_logits_;
  std::vector<int32_t> wanted_entries_;
  std::vector<int32_t> encoder_texts_;  // [sequences]; empty: no encoder
  std::vector<uint8_t> pooled_;         // [sequences]
  UBatch encoder_rows_;
  std::vector<PageTable> cross_tables_;  // [runs of a pass]
  std::vector<int32_t> cross_lengths_;   // [runs of a pass]
};

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_BATCH_ENGINE_H_
