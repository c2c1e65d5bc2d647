#include "engine/batch_engine.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/fp_guard.h"
#include "base/try.h"
#include "engine/thread_count.h"
#include "sampling/log_probability.h"

namespace braid {

namespace {

// Wanted rows that are finished at a time: enough to reuse each weight of the
// output matrix from cache, few enough that their copies stay small.
constexpr size_t kTileRows = 64;

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

// What the options ask of this model.
Status ValidateForModel(const EngineOptions& options,
                        const LanguageModel& model) {
  const RowTraits traits = model.traits();
  if (traits.bidirectional && options.split != SplitPolicy::kWhole) {
    return Error{
        "the model reads texts both ways, which cannot be cut: it needs the "
        "split policy \"whole\" (--split)"};
  }
  if (options.pooling == Pooling::kRank && traits.classes == 0) {
    return Error{
        "pooling \"rank\" needs a model with a classifier, this one has none"};
  }
  return {};
}

// The rows of x that `indices` names, one after another.
Rows Gather(Compute& compute, ConstRows x, std::span<const int32_t> indices) {
  const Rows rows =
      compute.NewRows(static_cast<int64_t>(indices.size()), x.width);
  for (size_t i = 0; i < indices.size(); ++i) {
    std::memcpy(rows.row(static_cast<int64_t>(i)), x.row(indices[i]),
                static_cast<size_t>(x.width) * sizeof(float));
  }
  return rows;
}

void CopyRows(ConstRows from, Rows to) {
  BRAID_CHECK(from.rows == to.rows && from.width == to.width);
  for (int64_t m = 0; m < from.rows; ++m) {
    std::memcpy(to.row(m), from.row(m),
                static_cast<size_t>(from.width) * sizeof(float));
  }
}

// Calls body(tile) for at most kTileRows of the rows at a time; what it takes
// from the arena is given back.
template <class Body>
void ForTiles(Arena& arena, std::span<const int32_t> rows, const Body& body) {
  for (size_t begin = 0; begin < rows.size(); begin += kTileRows) {
    const ArenaScope scope(arena);
    body(rows.subspan(begin, std::min(kTileRows, rows.size() - begin)));
  }
}

int64_t EmbeddingWidth(const LanguageModel& model, Pooling pooling) {
  return pooling == Pooling::kRank ? model.traits().classes : model.width();
}

}  // namespace

Result<std::unique_ptr<Engine>> BatchEngine::Create(
    std::shared_ptr<const LoadedModel> model, const EngineOptions& options) {
  BRAID_TRY(ValidateOptions(options));
  const LanguageModel& language_model = model->language_model();
  BRAID_TRY(ValidateForModel(options, language_model));
  EngineOptions settled = options;
  if (!settled.pooling) settled.pooling = model->info().pooling;
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
      logits_(Want::kLogits, model_->language_model().vocabulary_size()),
      hidden_(Want::kHidden, model_->language_model().width()),
      embeddings_(*options.pooling,
                  EmbeddingWidth(model_->language_model(), *options.pooling)) {
  for (RopeConfig& config : model_->language_model().ropes()) {
    rope_tables_.emplace_back(ForContext(std::move(config), options.context));
  }
}

Status BatchEngine::Decode(const Batch& batch,
                           const std::function<bool()>& cancelled) {
  const FloatGuard guard;
  BRAID_TRY(Validate(batch));
  BRAID_ASSIGN(const std::span<const UBatch> ubatches, splitter_.Split(batch));
  BRAID_TRY(
      memory_->cross().CheckFits(static_cast<int64_t>(batch.encoder_tokens())));
  BRAID_TRY(memory_->Plan(ubatches));

  logits_.Begin(batch);
  hidden_.Begin(batch);
  scores_.assign(batch.size(), std::numeric_limits<double>::quiet_NaN());
  embeddings_.Begin(batch);
  BRAID_TRY(Encode(batch, cancelled));
  const int count = static_cast<int>(ubatches.size());
  for (int i = 0; i < count; ++i) {
    if (cancelled && cancelled()) {
      memory_->Cancel();
      return Error{Format("cancelled after {} of {} ubatches", i, count)};
    }
    Forward(batch, ubatches[i], memory_->Begin(i));
    memory_->Commit(i);
  }
  return {};
}

Status BatchEngine::Validate(const Batch& batch) {
  const RowTraits traits = model_->language_model().traits();
  if (traits.encoder) {
    encoder_lengths_.clear();
    for (SequenceId i = 0; i < options_.max_sequences; ++i) {
      encoder_lengths_.push_back(memory_->cross().Length(i));
    }
  }
  const BatchLimits limits = {
      .max_tokens = options_.max_batch,
      .vocabulary_size = model_->language_model().vocabulary_size(),
      .next_positions = memory_->next_positions(),
      .positions = traits.positions,
      .max_rows = options_.max_ubatch,
      .encoder_lengths = encoder_lengths_,
      .logits = traits.logits,
      .pooling = options_.pooling != Pooling::kNone,
      .whole_sequences = traits.bidirectional};
  return ValidateBatch(batch, limits, batch_scratch_);
}

Status BatchEngine::Encode(const Batch& batch,
                           const std::function<bool()>& cancelled) {
  const auto texts = batch.encoder_texts();
  for (const Batch::EncoderText& text : texts) {
    memory_->cross().Add(text.sequence, static_cast<int32_t>(text.length));
  }
  const size_t most = static_cast<size_t>(options_.max_ubatch);
  for (size_t begin = 0; begin < texts.size();) {
    if (cancelled && cancelled()) {
      memory_->Cancel();
      for (const Batch::EncoderText& text : texts.subspan(begin)) {
        memory_->cross().Release(text.sequence);
      }
      return Error{Format("cancelled after {} of {} encoder texts", begin,
                          texts.size())};
    }
    size_t end = begin;
    for (size_t rows = 0;
         end < texts.size() && rows + texts[end].length <= most; ++end) {
      rows += texts[end].length;
    }
    EncodeTexts(batch, texts.subspan(begin, end - begin));
    begin = end;
  }
  return {};
}

void BatchEngine::EncodeTexts(const Batch& batch,
                              std::span<const Batch::EncoderText> texts) {
  UBatch& rows = encoder_rows_;
  rows.tokens.clear();
  rows.positions.clear();
  rows.runs.clear();
  rows.sequences.clear();
  for (const Batch::EncoderText& text : texts) {
    const auto tokens = batch.EncoderTokens(text);
    rows.runs.push_back(
        {.begin = rows.rows(), .length = static_cast<int32_t>(tokens.size())});
    rows.sequences.push_back(text.sequence);
    rows.tokens.insert(rows.tokens.end(), tokens.begin(), tokens.end());
    for (Position i = 0; i < static_cast<Position>(tokens.size()); ++i) {
      rows.positions.push_back(i);
    }
  }
  ExtendRopes(rows);
  arena_.Reset();
  Pass pass = MakePass(rows, {.runs = rows.runs, .tables = {}});
  model_->language_model().Encode(pass);
}

Pass BatchEngine::MakePass(const UBatch& ubatch, const UBatchView& view) {
  cross_tables_.clear();
  cross_lengths_.clear();
  for (const SequenceId sequence : ubatch.sequences) {
    if (!memory_->cross().present()) break;
    cross_tables_.push_back(memory_->cross().TableOf(sequence));
    cross_lengths_.push_back(memory_->cross().Length(sequence));
  }
  return {.tokens = ubatch.tokens,
          .positions = ubatch.positions,
          .runs = view.runs,
          .tables = view.tables,
          .cross_tables = cross_tables_,
          .cross_lengths = cross_lengths_,
          .rope_tables = rope_tables_,
          .kv_type = StorageType(options_.kv_type),
          .memory = *memory_,
          .compute = {arena_, threads_}};
}

void BatchEngine::Forward(const Batch& batch, const UBatch& ubatch,
                          const UBatchView& view) {
  ExtendRopes(ubatch);
  arena_.Reset();
  Pass pass = MakePass(ubatch, view);
  const Rows x = model_->language_model().Forward(pass);  // {rows, width}
  WriteLogits(pass.compute, ubatch, x);
  WriteHidden(pass.compute, ubatch, x);
  WriteScores(pass.compute, batch, ubatch, x);
  Pool(pass.compute, ubatch, x);
}

void BatchEngine::WriteLogits(Compute& compute, const UBatch& ubatch,
                              ConstRows x) {
  ForTiles(arena_, ubatch.wanted_rows, [&](std::span<const int32_t> tile) {
    model_->language_model().Head(compute, Gather(compute, x, tile),
                                  logits_.Append(EntriesOf(ubatch, tile)));
  });
}

void BatchEngine::WriteHidden(Compute& compute, const UBatch& ubatch,
                              ConstRows x) {
  ForTiles(arena_, ubatch.hidden_rows, [&](std::span<const int32_t> tile) {
    const ConstRows hidden =
        model_->language_model().Hidden(compute, Gather(compute, x, tile));
    CopyRows(hidden, hidden_.Append(EntriesOf(ubatch, tile)));
  });
}

void BatchEngine::WriteScores(Compute& compute, const Batch& batch,
                              const UBatch& ubatch, ConstRows x) {
  const LanguageModel& model = model_->language_model();
  ForTiles(arena_, ubatch.scored_rows, [&](std::span<const int32_t> tile) {
    const Rows logits = compute.NewRows(static_cast<int64_t>(tile.size()),
                                        model.vocabulary_size());
    model.Head(compute, Gather(compute, x, tile), logits);
    threads_.Run(static_cast<int>(tile.size()), [&](int i, int /*thread*/) {
      const int32_t entry = ubatch.batch_index[tile[i]];
      scores_[entry] = braid::LogProbability(
          {logits.row(i), static_cast<size_t>(logits.width)},
          batch[entry].target);
    });
  });
}

void BatchEngine::Pool(Compute& compute, const UBatch& ubatch, ConstRows x) {
  const LanguageModel& model = model_->language_model();
  for (size_t i = 0; i < ubatch.runs.size(); ++i) {
    if (ubatch.pooled[i] == 0) continue;
    const Run& run = ubatch.runs[i];
    const SequenceId sequence = ubatch.sequences[i];
    const auto [begin, end] =
        embeddings_.RowsNeeded(sequence, run.first_position, run.length);
    if (begin < end) {
      const ArenaScope scope(arena_);
      ConstRows rows = model.Hidden(
          compute, {x.row(run.begin + begin), end - begin, x.width, x.stride});
      if (options_.pooling == Pooling::kRank) {
        const Rows classes = compute.NewRows(rows.rows, model.traits().classes);
        model.Classify(compute, rows, classes);
        rows = classes;
      }
      embeddings_.Add(sequence, rows);
    }
    embeddings_.Advance(sequence, run.length);
  }
}

std::span<const int32_t> BatchEngine::EntriesOf(const UBatch& ubatch,
                                                std::span<const int32_t> rows) {
  wanted_entries_.clear();
  for (const int32_t row : rows) {
    wanted_entries_.push_back(ubatch.batch_index[row]);
  }
  return wanted_entries_;
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

int BatchEngine::EncoderTokens(SequenceId sequence) const {
  if (sequence < 0 || sequence >= options_.max_sequences) return 0;
  return memory_->cross().Length(sequence);
}

double BatchEngine::LogProbability(int entry) const {
  if (entry < 0 || entry >= static_cast<int>(scores_.size())) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return scores_[entry];
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
