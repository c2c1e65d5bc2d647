#include "memory/hybrid_memory.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/try.h"

namespace braid {

Result<std::unique_ptr<HybridMemory>> HybridMemory::Create(
    MemorySpec spec, MemoryLimits limits) {
  if (limits.max_sequences < 1) {
    return Error{Format("at least 1 sequence is needed, {} given: raise -np",
                        limits.max_sequences)};
  }
  BRAID_ASSIGN(StateCells cells,
               StateCells::Create(spec, limits.max_sequences));
  BRAID_ASSIGN(KvPages pages, KvPages::Create(spec, limits));
  BRAID_ASSIGN(CrossPages cross, CrossPages::Create(spec, limits));
  return std::unique_ptr<HybridMemory>(
      new HybridMemory(std::move(cells), std::move(pages), std::move(cross),
                       limits.max_sequences));
}

Status HybridMemory::Plan(std::span<const UBatch> ubatches) {
  Cancel();
  int64_t rows = 0;
  for (const UBatch& ubatch : ubatches) rows += ubatch.rows();
  // Cells always suffice (state_cells.h) and pages do if positions do
  // (kv_pages.h): this is the only way in which a plan fails.
  BRAID_TRY(pages_.CheckFits(rows));

  for (const UBatch& ubatch : ubatches) {
    const size_t begin = runs_.size();
    runs_.insert(runs_.end(), ubatch.runs.begin(), ubatch.runs.end());
    sequences_.insert(sequences_.end(), ubatch.sequences.begin(),
                      ubatch.sequences.end());
    planned_.push_back({begin, runs_.size()});
  }
  if (pages_.present()) tables_.resize(runs_.size());

  for (size_t i = 0; i < planned_.size(); ++i) {
    const auto [begin, end] = planned_[i];
    const auto sequences = SequencesOf(planned_[i]);
    cells_.Plan(sequences, std::span(runs_).subspan(begin, end - begin));
    if (!pages_.present()) continue;
    pages_.Plan(static_cast<int>(i), sequences, RunsOf(planned_[i]),
                std::span(tables_).subspan(begin, end - begin));
  }
  return {};
}

UBatchView HybridMemory::Begin(int ubatch) {
  BRAID_CHECK(ubatch == committed_ &&
              static_cast<size_t>(ubatch) < planned_.size());
  const Planned& planned = planned_[ubatch];
  pages_.Begin(ubatch);
  UBatchView view{.runs = RunsOf(planned), .tables = {}};
  if (pages_.present()) {
    view.tables = std::span(tables_).subspan(planned.begin, view.runs.size());
  }
  return view;
}

void HybridMemory::Commit(int ubatch) {
  BRAID_CHECK(ubatch == committed_ &&
              static_cast<size_t>(ubatch) < planned_.size());
  const auto runs = RunsOf(planned_[ubatch]);
  const auto sequences = SequencesOf(planned_[ubatch]);
  cells_.Commit(sequences, runs);
  pages_.Commit(ubatch, sequences, runs);
  for (size_t i = 0; i < runs.size(); ++i) {
    Position& next = next_positions_[sequences[i]];
    BRAID_CHECK(next == runs[i].first_position);
    next += runs[i].length;
  }
  ++committed_;
}

void HybridMemory::Cancel() {
  for (int i = static_cast<int>(planned_.size()) - 1; i >= committed_; --i) {
    const auto runs = RunsOf(planned_[i]);
    const auto sequences = SequencesOf(planned_[i]);
    cells_.Cancel(sequences, runs);
    pages_.Cancel(i, sequences, runs);
  }
  planned_.clear();
  runs_.clear();
  sequences_.clear();
  tables_.clear();
  committed_ = 0;
}

Status HybridMemory::Fork(SequenceId from, SequenceId to) {
  BRAID_TRY(CheckSequence(from));
  BRAID_TRY(CheckSequence(to));
  if (next_positions_[to] != 0) {
    return Error{
        Format("cannot fork sequence {} into sequence {}: it must be "
               "empty and holds {} positions",
               from, to, next_positions_[to])};
  }
  if (from == to) return {};
  if (cross_.Length(to) > 0) {
    return Error{
        Format("cannot fork sequence {} into sequence {}: it must be "
               "empty and has an encoder text",
               from, to)};
  }
  Cancel();
  cells_.Fork(from, to);
  pages_.Fork(from, to);
  cross_.Fork(from, to);
  next_positions_[to] = next_positions_[from];
  return {};
}

Status HybridMemory::Remove(SequenceId sequence, Position begin, Position end) {
  BRAID_TRY(CheckSequence(sequence));
  const Position length = next_positions_[sequence];
  if (begin < 0) {
    return Error{
        Format("cannot remove positions of sequence {} from {} on: "
               "the first position is 0",
               sequence, begin)};
  }
  if (end < 0 || end > length) end = length;
  if (begin == 0 && end == length) cross_.Release(sequence);
  if (begin >= end) return {};
  if (end < length) {
    return Error{
        Format("cannot remove positions {} to {} of sequence {}, "
               "which holds {}: only an end piece can be removed",
               begin, end - 1, sequence, length)};
  }
  if (begin > 0 && cells_.present()) {
    return Error{
        Format("cannot remove positions {} to {} of sequence {}: the "
               "model has recurrent layers, whose state cannot go "
               "back; remove the whole sequence",
               begin, end - 1, sequence)};
  }
  Cancel();
  Truncate(sequence, begin);
  return {};
}

Status HybridMemory::Keep(SequenceId sequence) {
  BRAID_TRY(CheckSequence(sequence));
  Cancel();
  const int sequences = static_cast<int>(next_positions_.size());
  for (SequenceId other = 0; other < sequences; ++other) {
    if (other == sequence) continue;
    cross_.Release(other);
    if (next_positions_[other] > 0) Truncate(other, 0);
  }
  return {};
}

size_t HybridMemory::used_bytes() const {
  return static_cast<size_t>(cells_.cells_in_use()) * cells_.cell_bytes() +
         static_cast<size_t>(pages_.pages_in_use()) * pages_.page_bytes() +
         static_cast<size_t>(cross_.pages_in_use()) * cross_.page_bytes();
}

size_t HybridMemory::capacity_bytes() const {
  return cells_.capacity_bytes() + pages_.capacity_bytes() +
         cross_.capacity_bytes();
}

Status HybridMemory::CheckSequence(SequenceId sequence) const {
  if (sequence >= 0 && static_cast<size_t>(sequence) < next_positions_.size()) {
    return {};
  }
  return Error{
      Format("sequence {}: there are {} sequences, numbered from 0 "
             "(-np)",
             sequence, next_positions_.size())};
}

void HybridMemory::Truncate(SequenceId sequence, Position length) {
  if (length == 0) cells_.Release(sequence);
  pages_.Truncate(sequence, length);
  next_positions_[sequence] = length;
}

}  // namespace braid
