// BatchEngine: what happens to sequences between batches.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/fp_guard.h"
#include "base/try.h"
#include "engine/batch_engine.h"
#include "engine/engine_options.h"
#include "engine/thread_count.h"

namespace braid {

int BatchEngine::EncoderTokens(SequenceId sequence) const {
  return Exists(sequence) ? memory_->cross().Length(sequence) : 0;
}

Position BatchEngine::NextPosition(SequenceId sequence) const {
  return Exists(sequence) ? memory_->lineage().Length(sequence) : 0;
}

std::span<const TokenId> BatchEngine::Tokens(SequenceId sequence) const {
  if (!Exists(sequence)) return {};
  return carried_[sequence].tokens;
}

Position BatchEngine::SharedPositions(SequenceId a, SequenceId b) const {
  if (!Exists(a) || !Exists(b)) return 0;
  return a == b ? memory_->lineage().Length(a)
                : memory_->lineage().Shared(a, b);
}

std::span<const float> BatchEngine::Embedding(SequenceId sequence) const {
  if (!Exists(sequence)) return {};
  return carried_[sequence].rows.embedding;
}

std::span<const float> BatchEngine::LastLogits(SequenceId sequence) {
  if (!Exists(sequence) || carried_[sequence].last_row.empty()) return {};
  const FloatGuard guard;
  const LanguageModel& model = model_->language_model();
  const std::vector<float>& row = carried_[sequence].last_row;
  const int64_t width = model.width();
  const int64_t vocabulary = model.vocabulary_size();
  arena_.Reset();
  last_logits_.resize(static_cast<size_t>(vocabulary));
  Compute compute{arena_, *threads_};
  model.Head(compute, {row.data(), 1, width, width},
             {last_logits_.data(), 1, vocabulary, vocabulary});
  return last_logits_;
}

Status BatchEngine::Fork(SequenceId from, SequenceId to) {
  BRAID_TRY(memory_->Fork(from, to));
  if (from == to) return {};
  try {
    carried_[to].CopyFrom(carried_[from]);
  } catch (...) {
    BRAID_CHECK(memory_->Release(to).ok());
    throw;
  }
  return {};
}

Status BatchEngine::Keep(SequenceId sequence) {
  BRAID_TRY(memory_->Keep(sequence));
  for (SequenceId other = 0; other < options_.max_sequences; ++other) {
    if (other != sequence) carried_[other].Clear();
  }
  return {};
}

Status BatchEngine::Checkpoint(SequenceId sequence) {
  BRAID_TRY(memory_->CheckSequence(sequence));
  Carried& carried = carried_[sequence];
  const Position length = memory_->lineage().Length(sequence);
  const bool marked =
      !carried.marks.empty() && carried.marks.back().position == length;
  Carried::Mark mark;
  if (carried.pooled && !marked) {
    mark = {length, carried.rows};
    carried.marks.reserve(carried.marks.size() + 1);
  }
  BRAID_TRY(memory_->Checkpoint(sequence));
  // From here on nothing can fail.
  if (!carried.pooled) return {};
  if (!marked) carried.marks.push_back(std::move(mark));
  DropMarks(sequence);
  return {};
}

Result<Removal> BatchEngine::Remove(SequenceId sequence, Position begin,
                                    Position end) {
  BRAID_TRY(memory_->CheckSequence(sequence));
  const Position length = memory_->lineage().Length(sequence);
  if (begin < 0) {
    return Error{
        Format("cannot remove positions of sequence {} from {} on: "
               "the first position is 0",
               sequence, begin)};
  }
  if (end < 0 || end > length) end = length;
  if (begin == 0 && end == length) {
    BRAID_TRY(memory_->Release(sequence));
    carried_[sequence].Clear();
    return Removal{};
  }
  if (begin >= end) return Removal{};
  if (end < length) {
    return Error{
        Format("cannot remove positions {} to {} of sequence {}, "
               "which holds {}: only an end piece can be removed",
               begin, end - 1, sequence, length)};
  }
  if (model_->language_model().traits().bidirectional) {
    return Error{
        Format("cannot remove positions {} to {} of sequence {}: the model "
               "reads a text only as a whole: remove the whole sequence",
               begin, end - 1, sequence)};
  }
  const bool by_marks = carried_[sequence].pooled && !pooler_.KeepsPrefixes();
  return by_marks ? GoBackPooled(sequence, begin) : GoBack(sequence, begin);
}

Result<Removal> BatchEngine::GoBack(SequenceId sequence, Position position) {
  BRAID_ASSIGN(const WayBack way, memory_->FindWayBack(sequence, position));
  Carried& carried = carried_[sequence];
  const Position reached = way.exact ? position : way.checkpoint.position;
  const std::vector<TokenId> lost(carried.tokens.begin() + reached,
                                  carried.tokens.begin() + position);
  const UBatchView view = memory_->GoBack(sequence, way);
  const auto drop_behind = [&] {
    carried.tokens.resize(
        static_cast<size_t>(memory_->lineage().Length(sequence)));
    carried.last_row.clear();
    DropMarks(sequence);
  };
  try {
    if (way.replayed() > 0) Replay(sequence, view);
  } catch (...) {
    GiveUpReplay(sequence, way.checkpoint);
    drop_behind();
    throw;
  }
  drop_behind();
  BRAID_TRY(Reevaluate(sequence, lost));
  return Removal{.replayed = way.replayed(),
                 .reevaluated = static_cast<int>(lost.size())};
}

// Its state was not rebuilt: the sequence stands at the checkpoint.
void BatchEngine::GiveUpReplay(SequenceId sequence,
                               const StateCells::Checkpoint& checkpoint) {
  if (checkpoint.position == 0) {
    BRAID_CHECK(memory_->Release(sequence).ok());
    carried_[sequence].Clear();
    return;
  }
  memory_->GoBack(sequence, {.checkpoint = checkpoint,
                             .position = checkpoint.position,
                             .exact = true});
}

Result<Removal> BatchEngine::GoBackPooled(SequenceId sequence,
                                          Position position) {
  Carried& carried = carried_[sequence];
  for (size_t i = carried.marks.size(); i-- > 0;) {
    Carried::Mark mark = carried.marks[i];
    if (mark.position > position) continue;
    const auto way = memory_->FindWayBack(sequence, mark.position);
    if (!way.ok() || !way->exact) continue;
    BRAID_TRY(memory_->CheckRoom(position - mark.position));
    const std::vector<TokenId> lost(carried.tokens.begin() + mark.position,
                                    carried.tokens.begin() + position);
    Removal removal;
    try {
      BRAID_ASSIGN(removal, GoBack(sequence, mark.position));
    } catch (...) {
      // What is pooled is not what the sequence holds now.
      BRAID_CHECK(memory_->Release(sequence).ok());
      carried.Clear();
      throw;
    }
    carried.rows = std::move(mark.rows);
    BRAID_TRY(Reevaluate(sequence, lost));
    removal.reevaluated = static_cast<int>(lost.size());
    return removal;
  }
  return Error{
      Format("cannot go back to position {} of sequence {}: its tokens are "
             "pooled, and what is pooled goes back only to a checkpoint: ask "
             "for one (--checkpoint-every), or remove the whole sequence",
             position, sequence)};
}

void BatchEngine::Replay(SequenceId sequence, const UBatchView& view) {
  const FloatGuard guard;
  const Run& run = view.runs.front();
  // Replay reads the log by positions; tokens only give the number of rows.
  const std::vector<TokenId>& tokens = carried_[sequence].tokens;
  UBatch rows;
  rows.tokens.assign(tokens.begin() + run.first_position,
                     tokens.begin() + run.end_position());
  for (Position at = run.first_position; at < run.end_position(); ++at) {
    rows.positions.push_back(at);
  }
  arena_.Reset();
  Pass pass = MakePass(rows, view);
  model_->language_model().Replay(pass);
}

Status BatchEngine::Reevaluate(SequenceId sequence,
                               std::span<const TokenId> tokens) {
  const FloatGuard guard;
  const Want want = carried_[sequence].pooled ? Want::kPooled : Want::kNothing;
  // No policy has to cut it, and so none can refuse it.
  const size_t most =
      static_cast<size_t>(std::min(options_.max_batch, options_.max_ubatch));
  Batch batch;
  while (!tokens.empty()) {
    const size_t count = std::min(tokens.size(), most);
    batch.Clear();
    Position position = memory_->lineage().Length(sequence);
    for (const TokenId token : tokens.first(count)) {
      batch.Add(token, position++, sequence, want);
    }
    BRAID_ASSIGN(const std::span<const UBatch> ubatches,
                 splitter_.Split(batch));
    BRAID_TRY(memory_->Plan(ubatches, HybridMemory::Bytes::kAny));
    BRAID_TRY(Evaluate(batch, ubatches, {}));
    tokens = tokens.subspan(count);
  }
  return {};
}

void BatchEngine::DropMarks(SequenceId sequence) {
  if (carried_[sequence].marks.empty()) return;
  const Position length = memory_->lineage().Length(sequence);
  const auto checkpoints = memory_->cells().Checkpoints(sequence);
  std::erase_if(carried_[sequence].marks, [&](const Carried::Mark& mark) {
    if (mark.position > length) return true;
    return memory_->cells().present() &&
           std::none_of(checkpoints.begin(), checkpoints.end(),
                        [&](const StateCells::Checkpoint& checkpoint) {
                          return checkpoint.kept &&
                                 checkpoint.position == mark.position;
                        });
  });
}

Status BatchEngine::Reconfigure(int threads, int max_ubatch,
                                SplitPolicy split) {
  EngineOptions options = options_;
  options.threads = threads;
  options.max_ubatch = max_ubatch;
  options.split = split;
  BRAID_TRY(ValidateOptions(options));
  BRAID_TRY(ValidateForModel(options, model_->language_model()));
  options.threads = ThreadCount(threads);
  if (options.threads != options_.threads) {
    threads_ = std::make_unique<ThreadPool>(options.threads);
  }
  // From here on nothing can fail.
  memory_->Cancel();
  splitter_ = Splitter(split, max_ubatch);
  known_sizes_.Clear();
  options_ = options;
  return {};
}

}  // namespace braid
