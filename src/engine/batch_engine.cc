#include "engine/batch_engine.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/fp_guard.h"
#include "base/try.h"
#include "engine/thread_count.h"

namespace braid {

namespace {

// Rows of the output matrix product at a time: enough to reuse each weight
// from cache, few enough that the copy of their hidden rows stays small.
constexpr int64_t kHeadRows = 64;

DType StorageType(KvType type) {
  return type == KvType::kF16 ? DType::kF16 : DType::kF32;
}

Status CheckOption(const char* name, int value, int least, int most) {
  if (value >= least && value <= most) return {};
  return Error{Format("{}: {} is not in [{}, {}]", name, value, least, most)};
}

Status ValidateOptions(const EngineOptions& options) {
  constexpr int kMost = 1 << 24;
  BRAID_TRY(CheckOption("context (-c)", options.context, 0, 1 << 30));
  BRAID_TRY(CheckOption("max_batch (-b)", options.max_batch, 1, kMost));
  BRAID_TRY(CheckOption("max_ubatch (-ub)", options.max_ubatch, 1, kMost));
  BRAID_TRY(
      CheckOption("max_sequences (-np)", options.max_sequences, 1, 65536));
  return CheckOption("threads (-t)", options.threads, 0, 1024);
}

}  // namespace

Result<std::unique_ptr<Engine>> BatchEngine::Create(
    std::shared_ptr<const LoadedModel> model, const EngineOptions& options) {
  BRAID_TRY(ValidateOptions(options));
  const LanguageModel& language_model = model->language_model();
  EngineOptions settled = options;
  settled.threads = ThreadCount(options.threads);
  if (settled.context == 0) settled.context = language_model.trained_context();
  BRAID_ASSIGN(
      std::unique_ptr<HybridMemory> memory,
      HybridMemory::Create(language_model.Memory(StorageType(settled.kv_type)),
                           {.max_sequences = settled.max_sequences,
                            .kv_positions = settled.context}));
  return std::unique_ptr<Engine>(
      new BatchEngine(std::move(model), settled, std::move(memory)));
}

BatchEngine::BatchEngine(std::shared_ptr<const LoadedModel> model,
                         const EngineOptions& options,
                         std::unique_ptr<HybridMemory> memory)
    : model_(std::move(model)),
      options_(options),
      memory_(std::move(memory)),
      threads_(options.threads),
      splitter_(options.split, options.max_ubatch),
      outputs_(model_->language_model().vocabulary_size()) {
  for (RopeConfig& config : model_->language_model().ropes()) {
    rope_tables_.emplace_back(std::move(config));
  }
}

Status BatchEngine::Decode(const Batch& batch,
                           const std::function<bool()>& cancelled) {
  const FloatGuard guard;
  const BatchLimits limits = {
      .max_tokens = options_.max_batch,
      .vocabulary_size = model_->language_model().vocabulary_size(),
      .next_positions = memory_->next_positions()};
  BRAID_TRY(ValidateBatch(batch, limits, batch_scratch_));
  BRAID_ASSIGN(const std::span<const UBatch> ubatches, splitter_.Split(batch));
  BRAID_TRY(memory_->Plan(ubatches));

  outputs_.Begin(batch);
  const int count = static_cast<int>(ubatches.size());
  for (int i = 0; i < count; ++i) {
    if (cancelled && cancelled()) {
      memory_->Cancel();
      return Error{Format("cancelled after {} of {} ubatches", i, count)};
    }
    Forward(ubatches[i], memory_->Begin(i));
    memory_->Commit(i);
  }
  return {};
}

void BatchEngine::Forward(const UBatch& ubatch, const UBatchView& view) {
  const LanguageModel& language_model = model_->language_model();
  ExtendRopes(ubatch);
  arena_.Reset();
  Pass pass = {.tokens = ubatch.tokens,
               .positions = ubatch.positions,
               .runs = view.runs,
               .tables = view.tables,
               .rope_tables = rope_tables_,
               .kv_type = StorageType(options_.kv_type),
               .memory = *memory_,
               .compute = {arena_, threads_}};
  const Rows x = language_model.Forward(pass);  // {rows, width}

  const std::span<const int32_t> wanted = ubatch.wanted_rows;
  for (size_t begin = 0; begin < wanted.size(); begin += kHeadRows) {
    const ArenaScope scope(arena_);
    const auto tile = wanted.subspan(
        begin, std::min<size_t>(kHeadRows, wanted.size() - begin));
    const Rows hidden =
        pass.compute.NewRows(static_cast<int64_t>(tile.size()), x.width);
    wanted_entries_.clear();
    for (size_t i = 0; i < tile.size(); ++i) {
      std::memcpy(hidden.row(static_cast<int64_t>(i)), x.row(tile[i]),
                  static_cast<size_t>(x.width) * sizeof(float));
      wanted_entries_.push_back(ubatch.batch_index[tile[i]]);
    }
    language_model.Head(pass.compute, hidden, outputs_.Append(wanted_entries_));
  }
}

void BatchEngine::ExtendRopes(const UBatch& ubatch) {
  if (rope_tables_.empty()) return;
  const Position last =
      *std::max_element(ubatch.positions.begin(), ubatch.positions.end());
  // In steps, so that decoding token by token rarely extends anything.
  constexpr Position kStep = 256;
  const Position count = (last / kStep + 1) * kStep;
  for (RopeTable& table : rope_tables_) table.Extend(count);
}

Position BatchEngine::NextPosition(SequenceId sequence) const {
  const auto positions = memory_->next_positions();
  if (sequence < 0 || sequence >= static_cast<SequenceId>(positions.size())) {
    return 0;
  }
  return positions[sequence];
}

Status BatchEngine::Fork(SequenceId from, SequenceId to) {
  return memory_->Fork(from, to);
}

Status BatchEngine::Remove(SequenceId sequence, Position begin, Position end) {
  return memory_->Remove(sequence, begin, end);
}

Status BatchEngine::Keep(SequenceId sequence) {
  return memory_->Keep(sequence);
}

MemoryUse BatchEngine::memory_use() const {
  return {.sequences = memory_->used_bytes(),
          .capacity = memory_->capacity_bytes(),
          .scratch = arena_.capacity()};
}

Result<std::unique_ptr<Engine>> Engine::Create(
    std::shared_ptr<const Model> model, const EngineOptions& options) {
  // Every Model that the public API can make is a LoadedModel.
  auto loaded = std::dynamic_pointer_cast<const LoadedModel>(std::move(model));
  BRAID_CHECK(loaded != nullptr);
  return BatchEngine::Create(std::move(loaded), options);
}

}  // namespace braid
