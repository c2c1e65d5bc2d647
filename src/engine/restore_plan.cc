#include "engine/restore_plan.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "base/format.h"
#include "base/try.h"
#include "engine/state_bytes.h"

namespace braid {

namespace {

struct Chosen {
  int32_t saved;  // index in the archive
  SequenceId id;  // of the engine
};

// In the order of the archive, so that a parent comes before its children.
Result<std::vector<Chosen>> ChooseSequences(const SavedState& state,
                                            int max_sequences,
                                            const RestoreOptions& options) {
  std::unordered_map<SequenceId, int32_t> saved_by_id;
  for (size_t i = 0; i < state.sequences.size(); ++i) {
    saved_by_id.emplace(state.sequences[i].id, static_cast<int32_t>(i));
  }
  auto ids = options.ids;
  if (options.only_sequence_to >= 0) {
    if (state.sequences.size() != 1) {
      return Error{Format("the saved state has {} sequences, expected one",
                          state.sequences.size())};
    }
    ids = {{state.sequences.front().id, options.only_sequence_to}};
  } else if (ids.empty()) {
    for (const SavedSequence& sequence : state.sequences) {
      ids.emplace_back(sequence.id, sequence.id);
    }
  }
  std::vector<Chosen> chosen;
  std::unordered_set<SequenceId> taken;
  for (const auto& [from, to] : ids) {
    const auto saved = saved_by_id.find(from);
    if (saved == saved_by_id.end()) {
      return Error{
          Format("the saved state has no sequence {}, it has {} "
                 "sequences",
                 from, state.sequences.size())};
    }
    if (to < 0 || to >= max_sequences) {
      return Error{
          Format("cannot restore saved sequence {} as sequence {}: "
                 "there are {}, numbered from 0 (-np)",
                 from, to, max_sequences)};
    }
    if (!taken.insert(to).second) {
      return Error{Format("cannot restore two sequences as sequence {}", to)};
    }
    chosen.push_back({saved->second, to});
  }
  std::stable_sort(
      chosen.begin(), chosen.end(),
      [](const Chosen& a, const Chosen& b) { return a.saved < b.saved; });
  return chosen;
}

// Which sequence that was chosen before shares most with a sequence of the
// archive, though those between the two may not be chosen.
class Relatives {
 public:
  struct Relative {
    int32_t chosen = -1;  // its index
    Position shared = 0;
  };

  explicit Relatives(const SavedState& state)
      : state_(state), closest_(state.sequences.size()) {}

  // Of saved sequence number `saved`.
  Relative Closest(int32_t saved) const {
    Relative best;
    Position shared = state_.sequences[saved].length();
    for (int32_t i = saved; i != kNotSaved && shared > best.shared;) {
      const Position common = std::min(shared, closest_[i].shared);
      if (common > best.shared) best = {closest_[i].chosen, common};
      shared = std::min(shared, state_.sequences[i].shared);
      i = state_.sequences[i].parent;
    }
    return best;
  }
  void Add(int32_t saved, int32_t chosen) {
    Position shared = state_.sequences[saved].length();
    for (int32_t i = saved; i != kNotSaved && shared > closest_[i].shared;) {
      closest_[i] = {chosen, shared};
      shared = std::min(shared, state_.sequences[i].shared);
      i = state_.sequences[i].parent;
    }
  }

 private:
  const SavedState& state_;
  // [sequences of the archive] among those that were added below it.
  std::vector<Relative> closest_;
};

class Planner {
 public:
  Planner(const SavedState& state, const HybridMemory& memory)
      : state_(state), memory_(memory), sets_(memory.groups().size() + 1) {
    for (size_t set = 0; set < sets_.size(); ++set) {
      sets_[set].memory =
          set < memory.groups().size() ? &memory.groups()[set] : &memory.log();
    }
  }

  RestorePlan Plan(std::span<const Chosen> chosen);

 private:
  // Groups of one page set, being filled.
  struct Set {
    const KvPages* memory = nullptr;
    std::vector<std::vector<int32_t>> groups;  // [groups][pages of a group]
    // Groups that have a saved page, by its number.
    std::unordered_map<int32_t, std::vector<int32_t>> with;
  };

  // Kept checkpoints' cells that the budget has room for: the latest.
  void ChooseKept(std::span<const Chosen> chosen);
  RestoredMemory::Sequence Describe(const Chosen& chosen,
                                    const Relatives::Relative& relative);
  std::vector<RestoredMemory::Checkpoint> Checkpoints(
      const SavedSequence& saved);
  RestoredMemory::Pages Pages(const SavedSequence& saved, size_t set);
  // The group for `pages`, saved pages or kNotSaved: one that has some of them
  // and nothing else in their places, or a new one.
  int32_t GroupFor(const std::vector<int32_t>& pages, Set& set);
  int32_t CellFor(int32_t saved);

  const SavedState& state_;
  const HybridMemory& memory_;
  std::vector<Set> sets_;                       // as RestoredMemory has them
  std::unordered_set<int32_t> kept_cells_;      // of the archive
  std::unordered_map<int32_t, int32_t> cells_;  // of the archive -> plan's
  std::unordered_map<int32_t, int32_t> texts_;  // of the archive -> plan's
  RestorePlan plan_;
};

RestorePlan Planner::Plan(std::span<const Chosen> chosen) {
  ChooseKept(chosen);
  Relatives relatives(state_);
  for (const Chosen& each : chosen) {
    plan_.memory.sequences.push_back(
        Describe(each, relatives.Closest(each.saved)));
    relatives.Add(each.saved, static_cast<int32_t>(plan_.sequences.size()));
    plan_.sequences.push_back(each.saved);
  }
  plan_.memory.cells = static_cast<int32_t>(plan_.cells.size());
  for (const Set& set : sets_) {
    plan_.memory.groups.push_back(static_cast<int32_t>(set.groups.size()));
  }
  return std::move(plan_);
}

void Planner::ChooseKept(std::span<const Chosen> chosen) {
  std::map<int32_t, uint64_t> made;  // by cell
  for (const Chosen& each : chosen) {
    for (const auto& checkpoint : state_.sequences[each.saved].checkpoints) {
      if (!checkpoint.kept) continue;
      uint64_t& latest = made[checkpoint.cell];
      latest = std::max(latest, checkpoint.made);
    }
  }
  std::vector<std::pair<uint64_t, int32_t>> cells;
  for (const auto& [cell, when] : made) cells.emplace_back(when, cell);
  std::sort(cells.rbegin(), cells.rend());
  const auto room = static_cast<size_t>(memory_.cells().most_kept());
  cells.resize(std::min(cells.size(), room));
  for (const auto& [when, cell] : cells) kept_cells_.insert(cell);
}

RestoredMemory::Sequence Planner::Describe(
    const Chosen& chosen, const Relatives::Relative& relative) {
  const SavedSequence& saved = state_.sequences[chosen.saved];
  RestoredMemory::Sequence sequence;
  sequence.id = chosen.id;
  sequence.length = saved.length();
  sequence.parent = relative.chosen;
  sequence.shared = relative.shared;
  if (saved.cell != kNotSaved) {
    sequence.cell = CellFor(saved.cell);
    sequence.checkpoints = Checkpoints(saved);
  }
  for (size_t set = 0; set < sets_.size(); ++set) {
    sequence.pages.push_back(Pages(saved, set));
  }
  if (saved.text != kNotSaved) {
    const auto [text, added] =
        texts_.emplace(saved.text, static_cast<int32_t>(plan_.texts.size()));
    if (added) {
      plan_.texts.push_back(saved.text);
      plan_.memory.texts.push_back(
          static_cast<int32_t>(state_.texts[saved.text].size()));
    }
    sequence.text = text->second;
  }
  return sequence;
}

std::vector<RestoredMemory::Checkpoint> Planner::Checkpoints(
    const SavedSequence& saved) {
  const int rollback = memory_.limits().rollback;
  const Position length = saved.length();
  const auto rolls = [&](Position position) {
    return rollback > 0 && position % rollback == 0 &&
           position >= memory_.cells().LogBegin(length);
  };
  std::vector<RestoredMemory::Checkpoint> checkpoints;
  for (const SavedCheckpoint& checkpoint : saved.checkpoints) {
    const bool kept = checkpoint.kept && kept_cells_.contains(checkpoint.cell);
    if (!kept && !rolls(checkpoint.position)) continue;
    checkpoints.push_back({.position = checkpoint.position,
                           .cell = CellFor(checkpoint.cell),
                           .kept = kept,
                           .made = checkpoint.made});
  }
  // The base of what this memory will log, which the archive's may not have.
  const bool at_end =
      !checkpoints.empty() && checkpoints.back().position == length;
  if (rolls(length) && !at_end) {
    const uint64_t made =
        saved.checkpoints.empty() ? 0 : saved.checkpoints.back().made;
    checkpoints.push_back({.position = length,
                           .cell = CellFor(saved.cell),
                           .kept = false,
                           .made = made});
  }
  return checkpoints;
}

RestoredMemory::Pages Planner::Pages(const SavedSequence& saved, size_t set) {
  const Position length = saved.length();
  RestoredMemory::Pages result{.first = length, .groups = {}};
  const KvPages& memory = *sets_[set].memory;
  if (!memory.present() || saved.pages[set].pages.empty()) return result;
  const Position group_positions = memory.group_positions();
  const Position needed = memory_.KeptFrom(set, length);
  const Position first =
      std::max(saved.pages[set].first, needed - needed % group_positions);
  if (first >= length) return result;
  result.first = first;
  const int32_t pages_per_group = memory.pages_per_group();
  const int32_t saved_first = saved.pages[set].first / memory.page_positions();
  const auto& pages = saved.pages[set].pages;
  const auto end = saved_first + static_cast<int32_t>(pages.size());
  std::vector<int32_t> slots(static_cast<size_t>(pages_per_group));
  for (int32_t group = first / group_positions; group * pages_per_group < end;
       ++group) {
    for (int32_t slot = 0; slot < pages_per_group; ++slot) {
      const int32_t page = group * pages_per_group + slot;
      slots[slot] = page >= saved_first && page < end
                        ? pages[page - saved_first]
                        : kNotSaved;
    }
    result.groups.push_back(GroupFor(slots, sets_[set]));
  }
  return result;
}

int32_t Planner::GroupFor(const std::vector<int32_t>& pages, Set& set) {
  const auto fits = [&](const std::vector<int32_t>& group) {
    for (size_t i = 0; i < pages.size(); ++i) {
      const bool both = group[i] != kNotSaved && pages[i] != kNotSaved;
      if (both && group[i] != pages[i]) return false;
    }
    return true;
  };
  const auto shared_slot = [&](const std::vector<int32_t>& group) {
    for (size_t i = 0; i < pages.size(); ++i) {
      if (pages[i] != kNotSaved && group[i] == pages[i]) return true;
    }
    return false;
  };
  int32_t number = kNotSaved;
  for (const int32_t page : pages) {
    if (page == kNotSaved || number != kNotSaved) continue;
    for (const int32_t candidate : set.with[page]) {
      const auto& group = set.groups[candidate];
      if (!fits(group) || !shared_slot(group)) continue;
      number = candidate;
      break;
    }
  }
  if (number == kNotSaved) {
    number = static_cast<int32_t>(set.groups.size());
    set.groups.emplace_back(pages.size(), kNotSaved);
  }
  std::vector<int32_t>& group = set.groups[number];
  for (size_t i = 0; i < pages.size(); ++i) {
    if (pages[i] == kNotSaved || group[i] == pages[i]) continue;
    group[i] = pages[i];
    set.with[pages[i]].push_back(number);
  }
  return number;
}

int32_t Planner::CellFor(int32_t saved) {
  const auto [cell, added] =
      cells_.emplace(saved, static_cast<int32_t>(plan_.cells.size()));
  if (added) plan_.cells.push_back(saved);
  return cell->second;
}

}  // namespace

Result<RestorePlan> PlanRestore(const SavedState& state,
                                const HybridMemory& memory,
                                const RestoreOptions& options) {
  const int max_sequences = memory.limits().max_sequences;
  BRAID_ASSIGN(const std::vector<Chosen> chosen,
               ChooseSequences(state, max_sequences, options));
  RestorePlan plan = Planner(state, memory).Plan(chosen);
  if (options.ids.empty() && options.only_sequence_to < 0) return plan;
  std::unordered_set<SequenceId> replaced;
  for (const Chosen& each : chosen) replaced.insert(each.id);
  for (SequenceId id = 0; id < max_sequences; ++id) {
    if (!replaced.contains(id)) plan.kept.push_back(id);
  }
  return plan;
}

}  // namespace braid
