#include "engine/batch_engine.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/fp_guard.h"
#include "base/try.h"
#include "engine/engine_options.h"
#include "engine/thread_count.h"
#include "sampling/log_probability.h"

namespace braid {

namespace {

// A sequence's list of tokens grows without being moved up to here.
constexpr int kReservedTokens = 1 << 16;

// Wanted rows that are finished at a time: enough to reuse each weight of the
// output matrix from cache, few enough that their copies stay small.
constexpr size_t kTileRows = 64;

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

Result<std::unique_ptr<BatchEngine>> BatchEngine::Create(
    std::shared_ptr<const LoadedModel> model, const EngineOptions& options,
    ThreadPool::Tasks tasks) {
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
                           LimitsOf(settled)));
  return std::unique_ptr<BatchEngine>(
      new BatchEngine(std::move(model), settled, std::move(memory), tasks));
}

BatchEngine::BatchEngine(std::shared_ptr<const LoadedModel> model,
                         const EngineOptions& options,
                         std::unique_ptr<HybridMemory> memory,
                         ThreadPool::Tasks tasks)
    : model_(std::move(model)),
      options_(options),
      memory_(std::move(memory)),
      threads_(std::make_unique<ThreadPool>(options.threads, tasks)),
      splitter_(options.split, options.max_ubatch),
      logits_(Want::kLogits, model_->language_model().vocabulary_size()),
      hidden_(Want::kHidden, model_->language_model().width()),
      pooler_(*options.pooling,
              EmbeddingWidth(model_->language_model(), *options.pooling)),
      carried_(static_cast<size_t>(options.max_sequences)) {
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
  size_t encoder_bytes = 0;
  for (const Batch::EncoderText& text : batch.encoder_texts()) {
    const int32_t length = static_cast<int32_t>(text.length);
    encoder_bytes += memory_->cross().BytesOf(length);
  }
  BRAID_TRY(
      memory_->Plan(ubatches, HybridMemory::Bytes::kLimited, encoder_bytes));

  try {
    logits_.Begin(batch);
    hidden_.Begin(batch);
    BeginScores(batch);
  } catch (...) {
    memory_->Cancel();
    throw;
  }
  BRAID_TRY(Encode(batch, cancelled));
  return Evaluate(batch, ubatches, cancelled);
}

Status BatchEngine::Evaluate(const Batch& batch,
                             std::span<const UBatch> ubatches,
                             const std::function<bool()>& cancelled) {
  const int count = static_cast<int>(ubatches.size());
  try {
    for (int i = 0; i < count; ++i) {
      if (cancelled && cancelled()) {
        memory_->Cancel();
        return Error{Format("cancelled after {} of {} ubatches", i, count)};
      }
      EvaluateOne(batch, ubatches[i], i);
    }
  } catch (...) {
    memory_->Cancel();
    throw;
  }
  return {};
}

void BatchEngine::EvaluateOne(const Batch& batch, const UBatch& ubatch,
                              int index) {
  ReserveCarried(ubatch);
  wanted_entries_.reserve(kTileRows);
  const UBatchView view = memory_->Begin(index);
  const PassSize size = SizeOf(ubatch);
  const bool pooled = std::any_of(ubatch.pooled.begin(), ubatch.pooled.end(),
                                  [](uint8_t wanted) { return wanted != 0; });
  const bool in_place =
      std::any_of(view.runs.begin(), view.runs.end(), [](const Run& run) {
        return run.source != kNoCell && run.source == run.destination;
      });
  std::optional<PassUndo> undo;
  if (pooled || (in_place && !known_sizes_.Covers(size, arena_))) {
    undo.emplace(*memory_, carried_, ubatch, view.runs);
  }
  try {
    Forward(batch, ubatch, view);
  } catch (...) {
    if (undo) undo->PutBack();
    throw;
  }
  known_sizes_.Add(size, arena_);
  memory_->Commit(index);
  for (const SequenceId sequence : ubatch.owners.sequences) {
    DropMarks(sequence);
  }
}

void BatchEngine::ReserveCarried(const UBatch& ubatch) {
  const auto width = static_cast<size_t>(model_->language_model().width());
  for (size_t i = 0; i < ubatch.runs.size(); ++i) {
    const auto length = static_cast<size_t>(ubatch.runs[i].length);
    for (const SequenceId sequence : ubatch.owners[i]) {
      Carried& carried = carried_[sequence];
      if (carried.tokens.empty()) {
        carried.tokens.reserve(std::min(options_.context, kReservedTokens));
      }
      const size_t tokens = carried.tokens.size() + length;
      if (tokens > carried.tokens.capacity()) {
        carried.tokens.reserve(std::max(tokens, 2 * carried.tokens.capacity()));
      }
      if (model_->language_model().traits().logits) {
        carried.last_row.reserve(width);
      }
    }
  }
}

Status BatchEngine::Validate(const Batch& batch) {
  const RowTraits traits = model_->language_model().traits();
  encoder_texts_.clear();
  pooled_.clear();
  for (SequenceId i = 0; i < options_.max_sequences; ++i) {
    if (traits.encoder) encoder_texts_.push_back(memory_->cross().TextOf(i));
    pooled_.push_back(carried_[i].pooled);
  }
  const auto shared = [&](SequenceId a, SequenceId b) {
    return memory_->lineage().Shared(a, b);
  };
  const BatchLimits limits = {
      .max_tokens = options_.max_batch,
      .vocabulary_size = model_->language_model().vocabulary_size(),
      .next_positions = memory_->next_positions(),
      .shared_positions = shared,
      .positions = traits.positions,
      .max_rows = options_.max_ubatch,
      .encoder_texts = encoder_texts_,
      .pooled = pooled_,
      .logits = traits.logits,
      .pooling = options_.pooling != Pooling::kNone,
      .whole_sequences = traits.bidirectional};
  return ValidateBatch(batch, limits, batch_scratch_);
}

Status BatchEngine::Encode(const Batch& batch,
                           const std::function<bool()>& cancelled) {
  size_t read = 0;  // texts
  const auto take_back = [&] {
    memory_->Cancel();
    for (const Batch::EncoderText& text : batch.encoder_texts().subspan(read)) {
      for (const SequenceId sequence : batch.Sequences(text)) {
        memory_->cross().Release(sequence);
      }
    }
  };
  try {
    const Status status = EncodeAll(batch, cancelled, read);
    if (!status.ok()) take_back();
    return status;
  } catch (...) {
    take_back();
    throw;
  }
}

Status BatchEngine::EncodeAll(const Batch& batch,
                              const std::function<bool()>& cancelled,
                              size_t& read) {
  const auto texts = batch.encoder_texts();
  for (const Batch::EncoderText& text : texts) {
    const auto sequences = batch.Sequences(text);
    memory_->cross().Add(sequences.front(), static_cast<int32_t>(text.length));
    for (const SequenceId sequence : sequences.subspan(1)) {
      memory_->cross().Fork(sequences.front(), sequence);
    }
  }
  const size_t most = static_cast<size_t>(options_.max_ubatch);
  while (read < texts.size()) {
    if (cancelled && cancelled()) {
      return Error{
          Format("cancelled after {} of {} encoder texts", read, texts.size())};
    }
    size_t end = read;
    for (size_t rows = 0;
         end < texts.size() && rows + texts[end].length <= most; ++end) {
      rows += texts[end].length;
    }
    EncodeTexts(batch, texts.subspan(read, end - read));
    read = end;
  }
  return {};
}

void BatchEngine::EncodeTexts(const Batch& batch,
                              std::span<const Batch::EncoderText> texts) {
  UBatch& rows = encoder_rows_;
  rows.tokens.clear();
  rows.positions.clear();
  rows.runs.clear();
  rows.owners.Clear();
  for (const Batch::EncoderText& text : texts) {
    const auto tokens = batch.EncoderTokens(text);
    rows.runs.push_back(
        {.begin = rows.rows(), .length = static_cast<int32_t>(tokens.size())});
    rows.owners.Add(batch.Sequences(text));
    for (const SequenceId sequence : batch.Sequences(text)) {
      carried_[sequence].encoder_tokens.assign(tokens.begin(), tokens.end());
    }
    rows.tokens.insert(rows.tokens.end(), tokens.begin(), tokens.end());
    for (Position i = 0; i < static_cast<Position>(tokens.size()); ++i) {
      rows.positions.push_back(i);
    }
  }
  ExtendRopes(rows);
  arena_.Reset();
  Pass pass = MakePass(rows, {.runs = rows.runs, .tables = {}, .log = {}});
  model_->language_model().Encode(pass);
}

Pass BatchEngine::MakePass(const UBatch& ubatch, const UBatchView& view) {
  cross_tables_.clear();
  cross_lengths_.clear();
  for (size_t i = 0; i < ubatch.runs.size(); ++i) {
    if (!memory_->cross().present()) break;
    const SequenceId sequence = ubatch.owners[i].front();
    cross_tables_.push_back(memory_->cross().TableOf(sequence));
    cross_lengths_.push_back(memory_->cross().Length(sequence));
  }
  return {.tokens = ubatch.tokens,
          .positions = ubatch.positions,
          .runs = view.runs,
          .tables = view.tables,
          .log_tables = view.log,
          .cross_tables = cross_tables_,
          .cross_lengths = cross_lengths_,
          .rope_tables = rope_tables_,
          .kv_type = StorageType(options_.kv_type),
          .memory = *memory_,
          .compute = {arena_, *threads_, observer_}};
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
  Carry(pass.compute, ubatch, x);
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
    threads_->Run(static_cast<int>(tile.size()), [&](int i, int /*thread*/) {
      const int32_t entry = ubatch.batch_index[tile[i]];
      const std::span<const float> row(logits.row(i),
                                       static_cast<size_t>(logits.width));
      double* scores = scores_.data() + scores_begin_[entry];
      *scores++ = braid::LogProbability(row, batch[entry].target);
      for (const TokenId target : batch.MoreTargets(entry)) {
        *scores++ = braid::LogProbability(row, target);
      }
    });
  });
}

void BatchEngine::Carry(Compute& compute, const UBatch& ubatch, ConstRows x) {
  const bool logits = model_->language_model().traits().logits;
  for (size_t i = 0; i < ubatch.runs.size(); ++i) {
    const Run& run = ubatch.runs[i];
    const auto owners = ubatch.owners[i];
    const auto tokens = std::span(ubatch.tokens).subspan(run.begin, run.length);
    for (const SequenceId sequence : owners) {
      Carried& carried = carried_[sequence];
      carried.tokens.insert(carried.tokens.end(), tokens.begin(), tokens.end());
      if (!logits) continue;
      const float* last = x.row(run.begin + run.length - 1);
      carried.last_row.assign(last, last + x.width);
    }
    if (ubatch.pooled[i] == 0) continue;
    Carried& first = carried_[owners.front()];
    const auto others = owners.subspan(1);
    for (const SequenceId sequence : others) {
      first.AddMarks(carried_[sequence].marks);
    }
    Pool(compute, run, {x.row(run.begin), run.length, x.width, x.stride},
         first);
    first.pooled = true;
    for (const SequenceId sequence : others) {
      Carried& carried = carried_[sequence];
      carried.pooled = true;
      carried.rows = first.rows;
      carried.marks = first.marks;
    }
  }
}

void BatchEngine::Pool(Compute& compute, const Run& run, ConstRows x,
                       Carried& carried) {
  const LanguageModel& model = model_->language_model();
  // In pieces that end where the recurrent layers leave a checkpoint.
  const Position step = memory_->cells().present() && !pooler_.KeepsPrefixes()
                            ? options_.checkpoint_every
                            : 0;
  for (Position at = run.first_position; at < run.end_position();) {
    const Position end =
        step == 0 ? run.end_position()
                  : std::min(run.end_position(), (at / step + 1) * step);
    const auto needed = pooler_.RowsNeeded(at, end - at);
    if (needed.begin < needed.end) {
      const ArenaScope scope(arena_);
      const Position first = at + needed.begin;
      ConstRows rows =
          model.Hidden(compute, {x.row(first - run.first_position),
                                 needed.end - needed.begin, x.width, x.stride});
      if (pooler_.pooling() == Pooling::kRank) {
        const Rows classes = compute.NewRows(rows.rows, model.traits().classes);
        model.Classify(compute, rows, classes);
        rows = classes;
      }
      pooler_.Add(rows, first, carried.rows);
    }
    if (step > 0 && end % step == 0) {
      carried.marks.push_back({end, carried.rows});
    }
    at = end;
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

void BatchEngine::BeginScores(const Batch& batch) {
  scores_begin_.clear();  // no entry is known until there is room for all
  const auto targets_of = [&](int i) {
    const bool scored = batch[i].want == Want::kScore;
    return scored ? 1 + batch[i].more_targets_count : 0;
  };
  int32_t targets = 0;
  for (int i = 0; i < batch.size(); ++i) targets += targets_of(i);
  scores_.assign(static_cast<size_t>(targets),
                 std::numeric_limits<double>::quiet_NaN());
  scores_begin_.reserve(static_cast<size_t>(batch.size()) + 1);
  scores_begin_.push_back(0);
  for (int i = 0; i < batch.size(); ++i) {
    scores_begin_.push_back(scores_begin_.back() + targets_of(i));
  }
}

double BatchEngine::LogProbability(int entry, int target) const {
  const int entries = static_cast<int>(scores_begin_.size()) - 1;
  const bool known = entry >= 0 && entry < entries && target >= 0 &&
                     target < scores_begin_[entry + 1] - scores_begin_[entry];
  return known ? scores_[scores_begin_[entry] + target]
               : std::numeric_limits<double>::quiet_NaN();
}

MemoryUse BatchEngine::memory_use() const {
  return {.sequences = memory_->used_bytes(),
          .capacity = memory_->capacity_bytes(),
          .scratch = arena_.capacity(),
          .checkpoints = memory_->checkpoint_bytes(),
          .replay_log = memory_->log_bytes()};
}

}  // namespace braid
