#include "memory/hybrid_memory.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "memory/page_sets.h"

namespace braid {

namespace {

Status CheckLimits(const MemoryLimits& limits) {
  if (limits.max_sequences < 1) {
    return Error{Format("at least 1 sequence is needed, {} given: raise -np",
                        limits.max_sequences)};
  }
  if (limits.page_positions < kPagePositions ||
      limits.page_positions % kPagePositions != 0) {
    return Error{Format("--page-size: {} is not a multiple of {}",
                        limits.page_positions, kPagePositions)};
  }
  if (limits.rollback < 0 || limits.checkpoint_every < 0) {
    return Error{
        Format("--rollback {} and --checkpoint-every {} must not be negative",
               limits.rollback, limits.checkpoint_every)};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<HybridMemory>> HybridMemory::Create(
    MemorySpec spec, MemoryLimits limits) {
  BRAID_TRY(CheckLimits(limits));
  BRAID_ASSIGN(StateCells cells, StateCells::Create(spec, limits));
  const PageSetSpec logged = LogPages(spec, limits);
  BRAID_ASSIGN(KvPages log, KvPages::Create(logged.pages, logged.limits));
  BRAID_ASSIGN(CrossPages cross, CrossPages::Create(spec, limits));
  BRAID_ASSIGN(Lineage lineage, Lineage::Create(limits.max_sequences));
  std::unique_ptr<HybridMemory> memory(
      new HybridMemory(std::move(spec), limits, std::move(cells),
                       std::move(log), std::move(cross), std::move(lineage)));
  BRAID_TRY(memory->AddGroups());
  return memory;
}

HybridMemory::HybridMemory(MemorySpec spec, MemoryLimits limits,
                           StateCells cells, KvPages log, CrossPages cross,
                           Lineage lineage)
    : spec_(std::move(spec)),
      limits_(limits),
      cells_(std::move(cells)),
      group_of_(spec_.layers.size(), -1),
      windows_(WindowsOf(spec_)),
      log_(std::move(log)),
      cross_(std::move(cross)),
      lineage_(std::move(lineage)) {}

Status HybridMemory::AddGroups() {
  for (const int window : windows_) {
    const PageSetSpec set = AttentionPages(spec_, window, limits_);
    BRAID_ASSIGN(KvPages group, KvPages::Create(set.pages, set.limits));
    for (size_t i = 0; i < spec_.layers.size(); ++i) {
      const LayerSpec& layer = spec_.layers[i];
      if (!layer.attention() || layer.window != window) continue;
      group_of_[i] = static_cast<int>(groups_.size());
    }
    groups_.push_back(std::move(group));
  }
  tables_.resize(groups_.size());
  views_.resize(groups_.size());
  return {};
}

Status HybridMemory::Plan(std::span<const UBatch> ubatches, Bytes bytes,
                          size_t encoder_bytes) {
  Cancel();
  try {
    return PlanAll(ubatches, bytes, encoder_bytes);
  } catch (...) {
    cells_.Abandon();
    for (KvPages& group : groups_) group.Abandon();
    log_.Abandon();
    ForgetPlan();
    throw;
  }
}

Status HybridMemory::PlanAll(std::span<const UBatch> ubatches, Bytes bytes,
                             size_t encoder_bytes) {
  int64_t rows = 0;
  for (const UBatch& ubatch : ubatches) rows += ubatch.rows();
  BRAID_TRY(CheckRoom(rows));
  const size_t used = used_bytes();
  if (planned_.size() < ubatches.size()) planned_.resize(ubatches.size());
  planned_count_ = ubatches.size();
  for (size_t i = 0; i < ubatches.size(); ++i) {
    const size_t begin = runs_.size();
    runs_.insert(runs_.end(), ubatches[i].runs.begin(), ubatches[i].runs.end());
    planned_[i].begin = begin;
    planned_[i].end = runs_.size();
    planned_[i].owners = ubatches[i].owners;
  }
  for (const Run& run : runs_) {
    log_from_.push_back(cells_.LogBegin(run.end_position()));
  }
  for (std::vector<PageTable>& tables : tables_) tables.resize(runs_.size());
  if (log_.present()) log_tables_.resize(runs_.size());

  for (size_t i = 0; i < planned_count_; ++i) PlanUBatch(static_cast<int>(i));
  if (bytes == Bytes::kAny) return {};
  const Status fits = CheckBytes(used, encoder_bytes);
  if (!fits.ok()) Cancel();
  return fits;
}

void HybridMemory::PlanUBatch(int index) {
  const Planned& planned = planned_[index];
  const RunOwners& owners = planned.owners;
  const std::span<Run> runs = RunsOf(planned);
  const auto part = [&](auto& of_runs) {
    return std::span(of_runs).subspan(planned.begin,
                                      planned.end - planned.begin);
  };
  cells_.Plan(owners, runs);
  for (size_t g = 0; g < groups_.size(); ++g) {
    groups_[g].Plan(index, owners, runs, {}, part(tables_[g]));
  }
  if (!log_.present()) return;
  log_.Plan(index, owners, runs, part(log_from_), part(log_tables_));
}

UBatchView HybridMemory::Begin(int ubatch) {
  BRAID_CHECK(ubatch == committed_ &&
              static_cast<size_t>(ubatch) < planned_count_);
  const auto& [begin, end, owners] = planned_[ubatch];
  for (KvPages& group : groups_) group.Begin(ubatch);
  if (log_.present()) log_.Begin(ubatch);
  for (size_t g = 0; g < groups_.size(); ++g) {
    views_[g] = std::span(tables_[g]).subspan(begin, end - begin);
  }
  UBatchView view{
      .runs = RunsOf(planned_[ubatch]), .tables = views_, .log = {}};
  if (log_.present()) {
    view.log = std::span(log_tables_).subspan(begin, end - begin);
  }
  return view;
}

void HybridMemory::Commit(int ubatch) {
  BRAID_CHECK(ubatch == committed_ &&
              static_cast<size_t>(ubatch) < planned_count_);
  const RunOwners& owners = planned_[ubatch].owners;
  const std::span<const Run> runs = RunsOf(planned_[ubatch]);
  cells_.Commit(owners, runs);
  for (KvPages& group : groups_) group.Commit(ubatch, owners, runs);
  if (log_.present()) log_.Commit(ubatch, owners, runs);
  for (size_t i = 0; i < runs.size(); ++i) {
    for (const SequenceId sequence : owners[i]) {
      BRAID_CHECK(lineage_.Length(sequence) == runs[i].first_position);
    }
    lineage_.Append(owners[i], runs[i].length);
    for (const SequenceId sequence : owners[i]) ForgetWhatIsBehind(sequence);
  }
  ++committed_;
}

void HybridMemory::ForgetWhatIsBehind(SequenceId sequence) {
  const Position length = lineage_.Length(sequence);
  for (size_t g = 0; g < groups_.size(); ++g) {
    if (windows_[g] != 0) groups_[g].Forget(sequence, KeptFrom(g, length));
  }
  if (log_.present()) log_.Forget(sequence, cells_.LogBegin(length));
}

void HybridMemory::Cancel() {
  cells_.Cancel();
  for (int i = static_cast<int>(planned_count_) - 1; i >= committed_; --i) {
    const RunOwners& owners = planned_[i].owners;
    const std::span<const Run> runs = RunsOf(planned_[i]);
    for (KvPages& group : groups_) group.Cancel(i, owners, runs);
    if (log_.present()) log_.Cancel(i, owners, runs);
  }
  ForgetPlan();
}

void HybridMemory::ForgetPlan() {
  planned_count_ = 0;
  runs_.clear();
  log_from_.clear();
  for (std::vector<PageTable>& tables : tables_) tables.clear();
  log_tables_.clear();
  committed_ = 0;
}

Status HybridMemory::Fork(SequenceId from, SequenceId to) {
  BRAID_TRY(CheckSequence(from));
  BRAID_TRY(CheckSequence(to));
  if (lineage_.Length(to) != 0) {
    return Error{
        Format("cannot fork sequence {} into sequence {}: it must be "
               "empty and holds {} positions",
               from, to, lineage_.Length(to))};
  }
  if (from == to) return {};
  if (cross_.Length(to) > 0) {
    return Error{
        Format("cannot fork sequence {} into sequence {}: it must be "
               "empty and has an encoder text",
               from, to)};
  }
  Cancel();
  if (lineage_.Length(from) > 0) {
    cells_.Fork(from, to);
    for (KvPages& group : groups_) group.Fork(from, to);
    if (log_.present()) log_.Fork(from, to);
    lineage_.Fork(from, to);
  }
  cross_.Fork(from, to);
  return {};
}

Status HybridMemory::Release(SequenceId sequence) {
  BRAID_TRY(CheckSequence(sequence));
  Cancel();
  cross_.Release(sequence);
  if (lineage_.Length(sequence) == 0) return {};
  cells_.Release(sequence);
  for (KvPages& group : groups_) group.Truncate(sequence, 0);
  if (log_.present()) log_.Truncate(sequence, 0);
  lineage_.Truncate(sequence, 0);
  return {};
}

Status HybridMemory::Keep(SequenceId sequence) {
  BRAID_TRY(CheckSequence(sequence));
  for (SequenceId other = 0; other < lineage_.sequences(); ++other) {
    if (other != sequence) BRAID_TRY(Release(other));
  }
  return {};
}

Status HybridMemory::Checkpoint(SequenceId sequence) {
  BRAID_TRY(CheckSequence(sequence));
  const Position length = lineage_.Length(sequence);
  if (length == 0 || !cells_.present()) return {};
  if (limits_.checkpoint_bytes < cells_.cell_bytes()) {
    return Error{
        Format("a checkpoint of sequence {} needs {} bytes, {} are allowed: "
               "raise --checkpoint-bytes",
               sequence, cells_.cell_bytes(), limits_.checkpoint_bytes)};
  }
  Cancel();
  cells_.Keep(sequence, length);
  return {};
}

bool HybridMemory::WindowsReach(SequenceId sequence, Position position) const {
  for (size_t g = 0; g < groups_.size(); ++g) {
    if (windows_[g] == 0) continue;
    const Position seen = std::max(0, position - windows_[g] + 1);
    if (groups_[g].First(sequence) > seen) return false;
  }
  return true;
}

Result<WayBack> HybridMemory::FindWayBack(SequenceId sequence,
                                          Position position) const {
  BRAID_TRY(CheckSequence(sequence));
  const Position length = lineage_.Length(sequence);
  BRAID_CHECK(position > 0 && position < length);
  WayBack way{.checkpoint = {}, .position = position, .exact = true};
  if (!cells_.present()) {
    way.checkpoint.position = position;
    if (WindowsReach(sequence, position)) return way;
    return NoWayBack(sequence, position);
  }
  way.checkpoint = cells_.CheckpointBefore(sequence, position);
  const bool replayable =
      log_.present() && log_.First(sequence) <= way.checkpoint.position;
  way.exact = way.checkpoint.position == position || replayable;
  if (way.exact && WindowsReach(sequence, position)) return way;
  way.exact = false;
  // What is evaluated again is shared with no fork: it may need more room.
  if (way.checkpoint.position > 0 &&
      WindowsReach(sequence, way.checkpoint.position)) {
    BRAID_TRY(CheckRoom(position - way.checkpoint.position));
    return way;
  }
  return NoWayBack(sequence, position);
}

Position HybridMemory::EarliestWayBack(SequenceId sequence) const {
  const Position length = lineage_.Length(sequence);
  Position seen = 1;  // by the windows, from here on
  for (size_t g = 0; g < groups_.size(); ++g) {
    const Position first = windows_[g] == 0 ? 0 : groups_[g].First(sequence);
    if (first > 0) seen = std::max(seen, first + windows_[g] - 1);
  }
  if (!cells_.present()) return std::min(seen, length);
  const bool logged = log_.present();
  if (logged && log_.First(sequence) == 0) return std::min(seen, length);
  for (const auto& checkpoint : cells_.Checkpoints(sequence)) {
    const Position position = checkpoint.position;
    if (position >= seen) return position;
    if (logged && log_.First(sequence) <= position) {
      return std::min(seen, length);
    }
  }
  return length;
}

Error HybridMemory::NoWayBack(SequenceId sequence, Position position) const {
  const Position length = lineage_.Length(sequence);
  const Position earliest = EarliestWayBack(sequence);
  const std::string reach =
      earliest < length
          ? Format("{} is the earliest position that it can still go back to",
                   earliest)
          : std::string("it can only be removed whole");
  return Error{
      Format("cannot go back to position {} of sequence {}, which holds {}: "
             "{} (rollback is {}, counted from the furthest that it has been): "
             "raise --rollback or --checkpoint-every",
             position, sequence, length, reach, limits_.rollback)};
}

UBatchView HybridMemory::GoBack(SequenceId sequence, const WayBack& way) {
  Cancel();
  runs_.resize(1);
  if (log_.present()) log_tables_.resize(1);
  // From here on nothing can fail.
  const Position length = way.exact ? way.position : way.checkpoint.position;
  for (KvPages& group : groups_) group.Truncate(sequence, length);
  if (log_.present()) log_.Truncate(sequence, length);
  lineage_.Truncate(sequence, length);
  if (!cells_.present()) return {};
  const Run run = cells_.GoBack(sequence, way.checkpoint, length);
  if (way.replayed() == 0) return {};
  runs_.front() = run;
  log_tables_.front() = log_.TableOf(sequence);
  return {.runs = runs_, .tables = {}, .log = log_tables_};
}

size_t HybridMemory::used_bytes() const {
  size_t bytes =
      static_cast<size_t>(cells_.cells_in_use()) * cells_.cell_bytes() +
      log_.used_bytes() +
      static_cast<size_t>(cross_.pages_in_use()) * cross_.page_bytes();
  for (const KvPages& group : groups_) bytes += group.used_bytes();
  return bytes;
}

size_t HybridMemory::capacity_bytes() const {
  size_t bytes =
      cells_.capacity_bytes() + log_.capacity_bytes() + cross_.capacity_bytes();
  for (const KvPages& group : groups_) bytes += group.capacity_bytes();
  return limits_.bytes > 0 ? std::min(bytes, limits_.bytes) : bytes;
}

size_t HybridMemory::checkpoint_bytes() const {
  return static_cast<size_t>(cells_.checkpoint_cells()) * cells_.cell_bytes();
}

Status HybridMemory::CheckSequence(SequenceId sequence) const {
  if (sequence >= 0 && sequence < lineage_.sequences()) return {};
  return Error{
      Format("sequence {}: there are {} sequences, numbered from 0 "
             "(-np)",
             sequence, lineage_.sequences())};
}

Status HybridMemory::CheckRoom(int64_t positions) const {
  const int64_t used = lineage_.positions();
  if (groups_.empty() || positions <= limits_.kv_positions - used) return {};
  return Error{
      Format("the KV cache is full: {} more positions are needed, {} of {} are "
             "used ({}): raise -c or remove a sequence",
             positions, used, limits_.kv_positions, LargestUsers())};
}

Status HybridMemory::CheckBytes(size_t used_before,
                                size_t encoder_bytes) const {
  const size_t used = used_bytes() + encoder_bytes;
  if (limits_.bytes == 0 || used <= limits_.bytes) return {};
  return Error{
      Format("the sequences' memory is full: {} more bytes are needed, {} of "
             "{} are used ({}): raise --memory-limit or remove a sequence",
             used - used_before, used_before, limits_.bytes, LargestUsers())};
}

std::string HybridMemory::LargestUsers() const {
  constexpr size_t kNamed = 3;
  std::vector<std::pair<Position, SequenceId>> users;  // longest first
  for (SequenceId sequence = 0; sequence < lineage_.sequences(); ++sequence) {
    const Position length = lineage_.Length(sequence);
    if (length > 0) users.push_back({-length, sequence});
  }
  if (users.empty()) return "no sequence holds anything";
  std::sort(users.begin(), users.end());
  std::string text;
  for (size_t i = 0; i < std::min(kNamed, users.size()); ++i) {
    text += Format("{}sequence {} holds {}", i == 0 ? "" : ", ",
                   users[i].second, -users[i].first);
  }
  if (users.size() > kNamed) {
    text += Format(" and {} more less", users.size() - kNamed);
  }
  return text;
}

}  // namespace braid
