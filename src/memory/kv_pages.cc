#include "memory/kv_pages.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "memory/checked_size.h"

namespace braid {

namespace {

constexpr int32_t kNoGroup = kNoPage;

int64_t DivideUp(int64_t value, int64_t unit) {
  return value / unit + (value % unit != 0);
}

// Group numbers and tables, without the layers.
Result<KvPages::Sizes> CountGroups(const PageGroupSpec& spec,
                                   const MemoryLimits& limits) {
  constexpr int64_t kMost = std::numeric_limits<Position>::max();
  KvPages::Sizes sizes;
  const bool present =
      std::any_of(spec.page_bytes.begin(), spec.page_bytes.end(),
                  [](size_t bytes) { return bytes > 0; });
  if (!present) return sizes;
  if (limits.kv_positions < 1) {
    return Error{
        Format("a model with attention layers needs room for at "
               "least 1 position, {} given: raise -c",
               limits.kv_positions)};
  }
  const int64_t group_positions =
      int64_t{spec.page_positions} * spec.pages_per_group;
  const int64_t groups = DivideUp(limits.kv_positions, group_positions) +
                         int64_t{3} * limits.max_sequences;
  // Positions must be numbered, too; pages are always fewer.
  if (limits.kv_positions > kMost || groups * spec.pages_per_group > kMost) {
    return Error{
        Format("{} positions for {} sequences are too many, at most "
               "{} can be numbered: lower -c",
               limits.kv_positions, limits.max_sequences, kMost)};
  }
  sizes.groups = static_cast<int32_t>(groups);
  sizes.table_pages =
      spec.unlimited_positions
          ? DivideUp(kMost, group_positions) * spec.pages_per_group
          : groups * spec.pages_per_group;
  const auto table_bytes =
      (CheckedSize(static_cast<size_t>(limits.max_sequences)) *
       sizeof(int32_t) * static_cast<size_t>(sizes.table_pages))
          .value();
  if (!table_bytes) {
    return Error{
        Format("page tables of {} sequences with {} pages overflow "
               "the address space: lower -c or -np",
               limits.max_sequences, sizes.table_pages)};
  }
  sizes.table_bytes = *table_bytes;
  return sizes;
}

}  // namespace

Result<KvPages::Sizes> KvPages::SizesOf(const PageGroupSpec& spec,
                                        const MemoryLimits& limits) {
  BRAID_ASSIGN(Sizes sizes, CountGroups(spec, limits));
  const size_t pages = static_cast<size_t>(sizes.groups) *
                       static_cast<size_t>(spec.pages_per_group);
  CheckedSize end = 0;
  CheckedSize group_bytes = 0;
  for (size_t i = 0; i < spec.page_bytes.size(); ++i) {
    const CheckedSize stride =
        CheckedSize(spec.page_bytes[i]).RoundedUp(kAlignment);
    const CheckedSize next = end + stride * pages;
    group_bytes =
        group_bytes + stride * static_cast<size_t>(spec.pages_per_group);
    if (!next.value()) {
      return Error{
          Format("layer {}: {} pages of {} bytes overflow the address "
                 "space: lower -c",
                 i, pages, spec.page_bytes[i])};
    }
    sizes.layers.push_back({.offset = *end.value(), .stride = *stride.value()});
    end = next;
  }
  sizes.group_bytes = *group_bytes.value();
  sizes.bytes = *end.value();
  return sizes;
}

KvPages::KvPages(const PageGroupSpec& spec, const MemoryLimits& limits,
                 Sizes sizes)
    : layers_(std::move(sizes.layers)),
      group_bytes_(sizes.group_bytes),
      page_positions_(spec.page_positions),
      pages_per_group_(spec.pages_per_group),
      table_pages_(sizes.table_pages),
      groups_(sizes.groups),
      owners_(sizes.groups, 0),
      planned_owners_(sizes.groups, 0),
      length_(limits.max_sequences, 0),
      first_(limits.max_sequences, 0) {}

Result<KvPages> KvPages::Create(const PageGroupSpec& spec,
                                const MemoryLimits& limits) {
  BRAID_ASSIGN(Sizes sizes, SizesOf(spec, limits));
  const size_t bytes = sizes.bytes;
  const size_t table_bytes = sizes.table_bytes;
  KvPages result(spec, limits, std::move(sizes));
  BRAID_ASSIGN(result.region_, MappedRegion::Create(bytes));
  BRAID_ASSIGN(result.tables_,
               MappedRegion::Create(table_bytes, MappedRegion::Pages::kSmall));
  return result;
}

int32_t KvPages::GroupsFor(Position length) const {
  return static_cast<int32_t>(DivideUp(length, group_positions()));
}

int32_t KvPages::GroupAt(SequenceId sequence, int32_t index) const {
  const int32_t page =
      Table(sequence)[static_cast<size_t>(index) * pages_per_group_];
  return page == kNoPage ? kNoGroup : GroupOf(page);
}

void KvPages::SetGroup(SequenceId sequence, int32_t index, int32_t group) {
  int32_t* pages =
      Table(sequence) + static_cast<size_t>(index) * pages_per_group_;
  for (int32_t i = 0; i < pages_per_group_; ++i) {
    pages[i] = group == kNoGroup ? kNoPage : group * pages_per_group_ + i;
  }
}

int32_t KvPages::PlannedGroup(SequenceId sequence, int32_t index) const {
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    if (change->sequence == sequence && change->index == index) {
      return change->to;
    }
  }
  return GroupAt(sequence, index);
}

void KvPages::Plan(int ubatch, const RunOwners& owners,
                   std::span<const Run> runs,
                   std::span<const Position> kept_from,
                   std::span<PageTable> tables) {
  if (!present()) return;
  for (size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    const Position kept = kept_from.empty()
                              ? run.first_position
                              : std::max(kept_from[i], run.first_position);
    kept_.push_back(kept);
    const int32_t first_group = kept / group_positions();
    const int32_t filled = GroupsFor(run.first_position);
    if (run.first_position % group_positions() != 0) {
      PlanPartlyFilled(ubatch, owners[i], filled - 1, filled > first_group);
    }
    const int32_t needed = GroupsFor(run.end_position());
    for (int32_t j = filled; j < needed; ++j) {
      const int32_t group = j < first_group ? kNoGroup : TakeGroup();
      if (group != kNoGroup) {
        planned_owners_[group] = static_cast<int32_t>(owners[i].size());
      }
      for (const SequenceId owner : owners[i]) SetGroup(owner, j, group);
    }
    tables[i].pages = std::span(Table(owners[i].front()),
                                static_cast<size_t>(needed) * pages_per_group_);
  }
}

// Whose will it write to?
void KvPages::PlanPartlyFilled(int ubatch, std::span<const SequenceId> owners,
                               int32_t index, bool kept) {
  const int32_t group = PlannedGroup(owners.front(), index);
  const auto uses = std::count_if(
      owners.begin(), owners.end(),
      [&](SequenceId owner) { return PlannedGroup(owner, index) == group; });
  // The last owners that write keep the group: every copy of a ubatch is made
  // before the ubatch writes.
  const bool in_place = group != kNoGroup && uses == planned_owners_[group];
  int32_t to = kNoGroup;
  if (kept) to = in_place ? group : TakeGroup();
  for (const SequenceId owner : owners) {
    const int32_t from = PlannedGroup(owner, index);
    if (from == to) continue;
    if (from != kNoGroup) --planned_owners_[from];
    if (to != kNoGroup) ++planned_owners_[to];
    const bool copied = to != kNoGroup && !in_place && group != kNoGroup;
    changes_.push_back({.ubatch = ubatch,
                        .sequence = owner,
                        .source = owners.front(),
                        .index = index,
                        .from = from,
                        .to = to,
                        .copied = copied && owner == owners.front()});
  }
}

void KvPages::Begin(int ubatch) {
  for (const Change& change : changes_) {
    if (change.ubatch != ubatch) continue;
    if (change.copied) CopyGroup(change.from, change.to);
    SetGroup(change.sequence, change.index, change.to);
  }
}

void KvPages::Commit(int ubatch, const RunOwners& owners,
                     std::span<const Run> runs) {
  if (!present()) return;
  const auto later = std::find_if(
      changes_.begin(), changes_.end(),
      [&](const Change& change) { return change.ubatch != ubatch; });
  for (auto change = changes_.begin(); change != later; ++change) {
    if (change->to != kNoGroup) ++owners_[change->to];
    if (change->from != kNoGroup) {
      --owners_[change->from];
      GiveIfUnused(change->from);
    }
    // What the group kept before is what its first owner kept.
    const Position first = first_[change->source];
    if (first > first_[change->sequence]) StartAt(change->sequence, first);
  }
  changes_.erase(changes_.begin(), later);
  for (size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    for (const SequenceId owner : owners[i]) {
      for (int32_t j = GroupsFor(run.first_position);
           j < GroupsFor(run.end_position()); ++j) {
        const int32_t group = GroupAt(owner, j);
        if (group != kNoGroup) ++owners_[group];
      }
      length_[owner] = run.end_position();
      if (kept_[i] > run.first_position) StartAt(owner, kept_[i]);
    }
  }
  kept_.erase(kept_.begin(),
              kept_.begin() + static_cast<std::ptrdiff_t>(runs.size()));
}

void KvPages::Cancel(int ubatch, const RunOwners& owners,
                     std::span<const Run> runs) {
  if (!present()) return;
  kept_.resize(kept_.size() - runs.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    for (int32_t j = GroupsFor(runs[i].first_position);
         j < GroupsFor(runs[i].end_position()); ++j) {
      const int32_t group = GroupAt(owners[i].front(), j);
      if (group == kNoGroup) continue;
      planned_owners_[group] = 0;
      groups_.Give(group);
    }
  }
  while (!changes_.empty() && changes_.back().ubatch == ubatch) {
    const Change& change = changes_.back();
    SetGroup(change.sequence, change.index, change.from);
    if (change.from != kNoGroup) ++planned_owners_[change.from];
    if (change.to != kNoGroup) {
      --planned_owners_[change.to];
      GiveIfUnused(change.to);
    }
    changes_.pop_back();
  }
}

void KvPages::Abandon() {
  if (!present()) return;
  // Of a change that was not begun, the table has what it had.
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    SetGroup(change->sequence, change->index, change->from);
  }
  changes_.clear();
  kept_.clear();
  std::copy(owners_.begin(), owners_.end(), planned_owners_.begin());
  for (int32_t group = 0; group < groups_.touched(); ++group) {
    if (owners_[group] == 0 && !groups_.IsFree(group)) groups_.Give(group);
  }
}

void KvPages::Fork(SequenceId from, SequenceId to) {
  if (!present()) return;
  BRAID_CHECK(length_[to] == 0);
  length_[to] = length_[from];
  first_[to] = first_[from];
  for (int32_t j = 0; j < GroupsFor(length_[from]); ++j) {
    const int32_t group = GroupAt(from, j);
    SetGroup(to, j, group);
    if (group != kNoGroup) planned_owners_[group] = ++owners_[group];
  }
}

void KvPages::Truncate(SequenceId sequence, Position length) {
  if (!present()) return;
  const Position before = length_[sequence];
  BRAID_CHECK(length >= 0 && length <= before);
  const int32_t first = first_[sequence] / group_positions();
  for (int32_t j = std::max(GroupsFor(length), first); j < GroupsFor(before);
       ++j) {
    ReleaseGroup(sequence, j);
  }
  length_[sequence] = length;
  first_[sequence] = std::min(first_[sequence], length);
}

void KvPages::Forget(SequenceId sequence, Position begin) {
  if (!present()) return;
  const Position whole = std::min(begin, length_[sequence]) /
                         group_positions() * group_positions();
  if (whole > first_[sequence]) StartAt(sequence, whole);
}

void KvPages::StartAt(SequenceId sequence, Position begin) {
  for (int32_t j = first_[sequence] / group_positions();
       j < begin / group_positions(); ++j) {
    ReleaseGroup(sequence, j);
  }
  first_[sequence] = begin;
}

void KvPages::Restore(SequenceId sequence, Position first, Position length,
                      std::span<const int32_t> shared) {
  if (!present()) return;
  BRAID_CHECK(length_[sequence] == 0 && first <= length);
  const int32_t begin = first / group_positions();
  for (int32_t j = 0; j < GroupsFor(length); ++j) {
    if (j < begin || first == length) {
      SetGroup(sequence, j, kNoGroup);
      continue;
    }
    const size_t i = static_cast<size_t>(j - begin);
    const int32_t given = i < shared.size() ? shared[i] : kNoGroup;
    const int32_t group = given == kNoGroup ? TakeGroup() : given;
    SetGroup(sequence, j, group);
    planned_owners_[group] = ++owners_[group];
  }
  length_[sequence] = length;
  first_[sequence] = first;
}

PageTable KvPages::TableOf(SequenceId sequence) const {
  if (!present()) return {};
  const size_t pages = static_cast<size_t>(GroupsFor(length_[sequence])) *
                       static_cast<size_t>(pages_per_group_);
  return {std::span<const int32_t>(Table(sequence), pages)};
}

int32_t KvPages::GroupsOf(SequenceId sequence) const {
  int32_t count = 0;
  for (int32_t j = 0; present() && j < GroupsFor(length_[sequence]); ++j) {
    count += GroupAt(sequence, j) != kNoGroup;
  }
  return count;
}

int32_t KvPages::TakeGroup() {
  BRAID_CHECK(groups_.free() > 0);
  const int32_t group = groups_.Take();
  planned_owners_[group] = 0;
  return group;
}

void KvPages::ReleaseGroup(SequenceId sequence, int32_t index) {
  const int32_t group = GroupAt(sequence, index);
  if (group == kNoGroup) return;
  --owners_[group];
  --planned_owners_[group];
  GiveIfUnused(group);
  SetGroup(sequence, index, kNoGroup);
}

void KvPages::GiveIfUnused(int32_t group) {
  if (owners_[group] == 0 && planned_owners_[group] == 0) groups_.Give(group);
}

void KvPages::CopyGroup(int32_t from, int32_t to) {
  for (const Layer& layer : layers_) {
    if (layer.stride == 0) continue;
    const size_t bytes = layer.stride * static_cast<size_t>(pages_per_group_);
    std::byte* base = region_.data() + layer.offset;
    std::memcpy(base + static_cast<size_t>(to) * bytes,
                base + static_cast<size_t>(from) * bytes, bytes);
  }
}

}  // namespace braid
