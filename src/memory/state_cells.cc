#include "memory/state_cells.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "memory/checked_size.h"

namespace braid {

namespace {

using Checkpoint = StateCells::Checkpoint;

// The first multiple of `step` behind `position`.
int64_t MultipleBehind(Position position, int step) {
  return (int64_t{position} / step + 1) * step;
}

}  // namespace

StateCells::Books::Books(int32_t cells, int max_sequences)
    : free(cells),
      owners(cells, 0),
      kept_owners(cells, 0),
      states_of(cells, 0),
      cell_of(max_sequences, kNoCell),
      length(max_sequences, 0),
      checkpoints(max_sequences) {}

void StateCells::Books::Own(int32_t cell) {
  if (free.IsFree(cell)) free.Claim(cell);
  if (owners[cell]++ == 0) ++owned;
}

void StateCells::Books::Disown(int32_t cell) {
  BRAID_CHECK(owners[cell] > 0);
  if (--owners[cell] > 0) return;
  free.Give(cell);
  --owned;
}

void StateCells::Books::OwnCheckpoint(const Checkpoint& checkpoint) {
  Own(checkpoint.cell);
  if (checkpoint.kept && kept_owners[checkpoint.cell]++ == 0) ++kept_cells;
}

void StateCells::Books::DisownCheckpoint(const Checkpoint& checkpoint) {
  if (checkpoint.kept && --kept_owners[checkpoint.cell] == 0) --kept_cells;
  Disown(checkpoint.cell);
}

void StateCells::Books::Keep(Checkpoint& checkpoint) {
  if (checkpoint.kept) return;
  checkpoint.kept = true;
  checkpoint.made = ++made;
  if (kept_owners[checkpoint.cell]++ == 0) ++kept_cells;
}

void StateCells::Books::Unkeep(Checkpoint& checkpoint) {
  if (!checkpoint.kept) return;
  checkpoint.kept = false;
  if (--kept_owners[checkpoint.cell] == 0) --kept_cells;
}

void StateCells::Books::AddMissing(SequenceId from, SequenceId to) {
  std::vector<Checkpoint>& list = checkpoints[to];
  for (const Checkpoint& theirs : checkpoints[from]) {
    const auto ours = std::lower_bound(
        list.begin(), list.end(), theirs.position,
        [](const Checkpoint& c, Position p) { return c.position < p; });
    if (ours == list.end() || ours->position != theirs.position) {
      list.insert(ours, theirs);
    } else if (theirs.kept && !ours->kept) {
      DisownCheckpoint(*ours);
      *ours = theirs;
    } else {
      continue;
    }
    OwnCheckpoint(theirs);
  }
}

void StateCells::Books::Reserve(SequenceId sequence, size_t count) {
  std::vector<Checkpoint>& list = checkpoints[sequence];
  if (count <= list.capacity()) return;
  list.reserve(std::max(count, 2 * list.capacity()));
}

void StateCells::Books::CopyCheckpoints(SequenceId from, SequenceId to) {
  for (const Checkpoint& c : checkpoints[from]) OwnCheckpoint(c);
  for (const Checkpoint& c : checkpoints[to]) DisownCheckpoint(c);
  checkpoints[to] = checkpoints[from];
}

void StateCells::Books::Move(SequenceId sequence, int32_t cell) {
  const int32_t left = cell_of[sequence];
  if (left == cell) return;
  if (cell != kNoCell) {
    Own(cell);
    if (states_of[cell]++ == 0) ++of_sequences;
  }
  if (left != kNoCell) {
    if (--states_of[left] == 0) --of_sequences;
    Disown(left);
  }
  cell_of[sequence] = cell;
}

Result<StateCells::Sizes> StateCells::SizesOf(const MemorySpec& spec,
                                              const MemoryLimits& limits) {
  Sizes sizes;
  CheckedSize cell_bytes = 0;
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const LayerSpec& layer = spec.layers[i];
    const CheckedSize window =
        (CheckedSize(layer.conv_floats) * sizeof(float)).RoundedUp(kAlignment);
    const CheckedSize state =
        (CheckedSize(layer.state_floats) * sizeof(float)).RoundedUp(kAlignment);
    const CheckedSize offset = cell_bytes;
    cell_bytes = cell_bytes + window + state;
    if (!cell_bytes.value()) {
      return Error{
          Format("layer {}: a state of {} and {} floats overflows the address "
                 "space",
                 i, layer.conv_floats, layer.state_floats)};
    }
    sizes.layers.push_back({.offset = *offset.value(),
                            .bytes = *(window + state).value(),
                            .scan_offset = *window.value()});
  }
  sizes.cell_bytes = *cell_bytes.value();
  if (sizes.cell_bytes == 0) return sizes;
  sizes.most_kept = std::min<int64_t>(
      kMostKept,
      static_cast<int64_t>(limits.checkpoint_bytes / sizes.cell_bytes));
  const int64_t count =
      2 * (3 * int64_t{limits.max_sequences} + sizes.most_kept);
  const CheckedSize all =
      CheckedSize(sizes.cell_bytes) * static_cast<size_t>(count);
  if (count > std::numeric_limits<int32_t>::max() || !all.value()) {
    return Error{
        Format("{} sequences and {} checkpoints are too many: their {} state "
               "cells of {} bytes overflow the address space",
               limits.max_sequences, sizes.most_kept, count, sizes.cell_bytes)};
  }
  sizes.cells = static_cast<int32_t>(count);
  sizes.bytes = *all.value();
  return sizes;
}

StateCells::StateCells(const MemoryLimits& limits, Sizes sizes)
    : layers_(std::move(sizes.layers)),
      cell_bytes_(sizes.cell_bytes),
      rollback_(limits.rollback),
      checkpoint_every_(limits.checkpoint_every),
      most_kept_(sizes.most_kept),
      now_(sizes.cells, limits.max_sequences),
      planned_(sizes.cells, limits.max_sequences) {}

Result<StateCells> StateCells::Create(const MemorySpec& spec,
                                      const MemoryLimits& limits) {
  BRAID_ASSIGN(Sizes sizes, SizesOf(spec, limits));
  const size_t bytes = sizes.bytes;
  StateCells cells(limits, std::move(sizes));
  BRAID_ASSIGN(cells.region_, MappedRegion::Create(bytes));
  return cells;
}

void StateCells::Plan(const RunOwners& owners, std::span<Run> runs) {
  if (!present()) return;
  if (ahead_ == 0) {
    if (stale_) planned_ = now_;
    stale_ = false;
    most_planned_ = 0;
    lists_used_ = 0;
  }
  PlanDestinations(owners, runs);
  PlanSnapshots(runs);
  most_planned_ = std::max(most_planned_, planned_.used());
  ReserveCheckpoints(owners, runs);
  Apply(owners, runs, planned_);
  ++ahead_;
}

void StateCells::PlanDestinations(const RunOwners& owners,
                                  std::span<Run> runs) {
  int32_t fresh = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    Run& run = runs[i];
    run.source = planned_.cell_of[owners[i].front()];
    run.destination = run.source;
    if (run.source != kNoCell) {
      const auto ours = std::count_if(
          owners[i].begin(), owners[i].end(), [&](SequenceId sequence) {
            return planned_.cell_of[sequence] == run.source;
          });
      if (ours == planned_.owners[run.source]) continue;
    }
    run.destination = kNoCell;
    ++fresh;
  }
  if (fresh == 0) return;
  int32_t in_range = planned_.free.TakeRange(fresh);
  for (Run& run : runs) {
    if (run.destination != kNoCell) continue;
    run.destination = in_range >= 0 ? in_range++ : planned_.free.Take();
  }
}

void StateCells::PlanSnapshots(std::span<Run> runs) {
  // The last ones that are made survive: counted from the last run's end.
  int64_t may_be_kept = most_kept_;
  for (size_t i = runs.size(); i-- > 0;) {
    if (lists_used_ == snapshots_.size()) snapshots_.emplace_back();
    std::vector<Snapshot>& list = snapshots_[lists_used_];
    ListSnapshots(runs[i], may_be_kept, list);
    for (Snapshot& snapshot : list) snapshot.cell = planned_.free.Take();
    runs[i].snapshots = list;
    if (!list.empty()) ++lists_used_;
  }
}

void StateCells::ListSnapshots(const Run& run, int64_t& may_be_kept,
                               std::vector<Snapshot>& list) const {
  list.clear();
  const int64_t end = run.end_position();
  const auto add = [&](int64_t position) {
    if (position == end) return;
    const int64_t offset = position - run.first_position;
    list.push_back({.offset = static_cast<int32_t>(offset)});
  };
  if (rollback_ > 0) {
    int64_t p = std::max<int64_t>(MultipleBehind(run.first_position, rollback_),
                                  LogBegin(run.end_position()));
    for (; p < end; p += rollback_) add(p);
  }
  if (checkpoint_every_ > 0) {
    int64_t p = end - end % checkpoint_every_;
    for (; p > run.first_position && may_be_kept > 0; p -= checkpoint_every_) {
      add(p);
      --may_be_kept;
    }
  }
  // Both may have asked for the same.
  std::sort(list.begin(), list.end(), [](const Snapshot& a, const Snapshot& b) {
    return a.offset < b.offset;
  });
  const auto same = [](const Snapshot& a, const Snapshot& b) {
    return a.offset == b.offset;
  };
  list.erase(std::unique(list.begin(), list.end(), same), list.end());
}

void StateCells::ReserveCheckpoints(const RunOwners& owners,
                                    std::span<const Run> runs) {
  for (size_t i = 0; i < runs.size(); ++i) {
    // All of the first one's, what others have where it has none, and the new.
    const auto& first = planned_.checkpoints[owners[i].front()];
    size_t count = first.size() + runs[i].snapshots.size() + 1;
    for (const SequenceId other : owners[i].subspan(1)) {
      auto ours = first.begin();
      for (const Checkpoint& theirs : planned_.checkpoints[other]) {
        while (ours != first.end() && ours->position < theirs.position) ++ours;
        count += ours == first.end() || ours->position != theirs.position;
      }
    }
    for (const SequenceId owner : owners[i]) {
      planned_.Reserve(owner, count);
      now_.Reserve(owner, count);
    }
  }
}

void StateCells::Commit(const RunOwners& owners, std::span<const Run> runs) {
  if (!present()) return;
  BRAID_CHECK(ahead_ > 0);
  Apply(owners, runs, now_);
  --ahead_;
}

void StateCells::Cancel() {
  stale_ |= ahead_ > 0;
  ahead_ = 0;
}

void StateCells::Abandon() {
  stale_ = true;
  ahead_ = 0;
}

void StateCells::Change() {
  BRAID_CHECK(ahead_ == 0);
  stale_ = true;
}

void StateCells::Apply(const RunOwners& owners, std::span<const Run> runs,
                       Books& books) const {
  for (size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    BRAID_CHECK(run.destination == run.source ||
                books.owners[run.destination] == 0);
    Append(owners[i], run, books);
    for (const SequenceId sequence : owners[i]) {
      BRAID_CHECK(books.length[sequence] == run.first_position);
      books.Move(sequence, run.destination);
      books.length[sequence] = run.end_position();
      DropPassed(sequence, books);
    }
  }
  EnforceBudget(books);
}

void StateCells::Append(std::span<const SequenceId> owners, const Run& run,
                        Books& books) const {
  const SequenceId first = owners.front();
  for (const SequenceId other : owners.subspan(1)) {
    books.AddMissing(other, first);
  }
  for (const SequenceId other : owners.subspan(1)) {
    books.CopyCheckpoints(first, other);
  }
  const auto append = [&](Position position, int32_t cell) {
    const Checkpoint checkpoint{.position = position,
                                .cell = cell,
                                .kept = IsKeptByPolicy(position),
                                .made = ++books.made};
    for (const SequenceId sequence : owners) {
      books.checkpoints[sequence].push_back(checkpoint);
      books.OwnCheckpoint(checkpoint);
    }
  };
  for (const Snapshot& snapshot : run.snapshots) {
    append(run.first_position + snapshot.offset, snapshot.cell);
  }
  const Position end = run.end_position();
  if (Rolls(end, end) || IsKeptByPolicy(end)) append(end, run.destination);
}

void StateCells::DropPassed(SequenceId sequence, Books& books) const {
  std::erase_if(books.checkpoints[sequence], [&](const Checkpoint& c) {
    if (c.kept || Rolls(c.position, books.length[sequence])) return false;
    books.DisownCheckpoint(c);
    return true;
  });
}

void StateCells::EnforceBudget(Books& books) const {
  while (books.kept_cells > most_kept_) {
    const Checkpoint* oldest = nullptr;
    for (const std::vector<Checkpoint>& list : books.checkpoints) {
      for (const Checkpoint& c : list) {
        if (c.kept && (oldest == nullptr || c.made < oldest->made)) oldest = &c;
      }
    }
    const int32_t cell = oldest->cell;
    for (size_t s = 0; s < books.checkpoints.size(); ++s) {
      for (Checkpoint& c : books.checkpoints[s]) {
        if (c.cell == cell) books.Unkeep(c);
      }
      DropPassed(static_cast<SequenceId>(s), books);
    }
  }
}

void StateCells::Fork(SequenceId from, SequenceId to) {
  if (!present()) return;
  Change();
  BRAID_CHECK(now_.cell_of[to] == kNoCell && now_.checkpoints[to].empty());
  now_.Reserve(to, now_.checkpoints[from].size());
  now_.Move(to, now_.cell_of[from]);
  now_.length[to] = now_.length[from];
  now_.CopyCheckpoints(from, to);
}

void StateCells::Release(SequenceId sequence) {
  if (!present()) return;
  Change();
  now_.Move(sequence, kNoCell);
  now_.length[sequence] = 0;
  for (const Checkpoint& c : now_.checkpoints[sequence]) {
    now_.DisownCheckpoint(c);
  }
  now_.checkpoints[sequence].clear();
}

void StateCells::Keep(SequenceId sequence, Position position) {
  if (!present()) return;
  Change();
  BRAID_CHECK(now_.cell_of[sequence] != kNoCell &&
              now_.length[sequence] == position);
  std::vector<Checkpoint>& list = now_.checkpoints[sequence];
  if (list.empty() || list.back().position != position) {
    list.push_back({.position = position, .cell = now_.cell_of[sequence]});
    now_.OwnCheckpoint(list.back());
  }
  now_.Keep(list.back());
  EnforceBudget(now_);
}

std::span<const Checkpoint> StateCells::Checkpoints(SequenceId sequence) const {
  return now_.checkpoints[sequence];
}

Checkpoint StateCells::CheckpointBefore(SequenceId sequence,
                                        Position position) const {
  const std::vector<Checkpoint>& list = now_.checkpoints[sequence];
  const auto behind = std::upper_bound(
      list.begin(), list.end(), position,
      [](Position p, const Checkpoint& c) { return p < c.position; });
  return behind == list.begin() ? Checkpoint() : *std::prev(behind);
}

Position StateCells::LogBegin(Position length) const {
  if (rollback_ == 0) return length;
  const Position reached = std::max(0, length - rollback_);
  return reached - reached % rollback_;
}

bool StateCells::Rolls(Position position, Position length) const {
  return rollback_ > 0 && position % rollback_ == 0 &&
         position >= LogBegin(length);
}

Run StateCells::GoBack(SequenceId sequence, const Checkpoint& from,
                       Position position) {
  BRAID_CHECK(present() && position > 0 && from.position <= position &&
              position <= now_.length[sequence]);
  Change();
  std::erase_if(now_.checkpoints[sequence], [&](const Checkpoint& c) {
    if (c.position <= position) return false;
    now_.DisownCheckpoint(c);
    return true;
  });
  // The sequence's own cell may come back as the fresh one; what is read is
  // the checkpoint's.
  now_.Move(sequence, kNoCell);
  const bool replay = from.position < position;
  now_.Move(sequence, replay ? now_.free.Take() : from.cell);
  now_.length[sequence] = position;
  return {.begin = 0,
          .length = position - from.position,
          .first_position = from.position,
          .source = from.cell,
          .destination = now_.cell_of[sequence]};
}

void StateCells::ReserveCheckpoints(SequenceId sequence, size_t count) {
  now_.Reserve(sequence, count);
}

int32_t StateCells::TakeCell() {
  Change();
  return now_.free.free() == 0 ? kNoCell : now_.free.Take();
}

void StateCells::Give(SequenceId sequence, int32_t cell, Position length) {
  Change();
  BRAID_CHECK(now_.cell_of[sequence] == kNoCell && !now_.free.IsFree(cell));
  now_.Move(sequence, cell);
  now_.length[sequence] = length;
}

void StateCells::GiveCheckpoint(SequenceId sequence, Position position,
                                int32_t cell, bool kept) {
  Change();
  std::vector<Checkpoint>& list = now_.checkpoints[sequence];
  BRAID_CHECK(!now_.free.IsFree(cell) &&
              (list.empty() || list.back().position < position));
  list.push_back(
      {.position = position, .cell = cell, .kept = kept, .made = ++now_.made});
  now_.OwnCheckpoint(list.back());
}

void StateCells::DropUnused(int32_t cell) {
  Change();
  if (now_.owners[cell] == 0) now_.free.Give(cell);
}

std::span<std::byte> StateCells::LayerBytes(int layer, int32_t cell) {
  return {CellData(layer, cell), layers_[layer].bytes};
}

int32_t StateCells::cells_in_use() const {
  return ahead_ > 0 ? std::max(now_.used(), most_planned_) : now_.used();
}

}  // namespace braid
