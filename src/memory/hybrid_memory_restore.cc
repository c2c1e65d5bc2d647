// HybridMemory: sequences that come from an archive.
#include <algorithm>
#include <functional>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "memory/hybrid_memory.h"

namespace braid {

namespace {

// How many different numbers there are.
int32_t CountDifferent(std::vector<int32_t>& numbers) {
  std::sort(numbers.begin(), numbers.end());
  return static_cast<int32_t>(std::unique(numbers.begin(), numbers.end()) -
                              numbers.begin());
}

Error DoesNotFit(const char* what, int64_t needed, int64_t used,
                 int64_t capacity, const char* flag) {
  return Error{
      Format("the saved state needs {} {}, {} of {} are used by sequences that "
             "stay: raise {}",
             needed, what, used, capacity, flag)};
}

}  // namespace

Position HybridMemory::KeptFrom(size_t set, Position length) const {
  if (set == groups_.size()) return cells_.LogBegin(length);
  if (windows_[set] == 0) return 0;
  // Going back by k, the next query sees `window` positions before it.
  const int64_t kept = int64_t{windows_[set]} + limits_.rollback - 1;
  return static_cast<Position>(std::max<int64_t>(0, length - kept));
}

HybridMemory::Use HybridMemory::UseOf(
    std::span<const SequenceId> sequences) const {
  Use use;
  std::vector<int32_t> cells;
  std::vector<std::vector<int32_t>> groups(groups_.size() + 1);
  std::vector<int32_t> texts;
  std::vector<SequenceId> counted;  // those that hold anything
  for (const SequenceId sequence : sequences) {
    if (lineage_.Length(sequence) + cross_.Length(sequence) == 0) continue;
    Position shared = 0;
    for (const SequenceId other : counted) {
      shared = std::max(shared, lineage_.Shared(sequence, other));
    }
    counted.push_back(sequence);
    use.positions += lineage_.Length(sequence) - shared;
    if (cells_.present() && cells_.CellOf(sequence) != kNoCell) {
      cells.push_back(cells_.CellOf(sequence));
      for (const auto& checkpoint : cells_.Checkpoints(sequence)) {
        cells.push_back(checkpoint.cell);
      }
    }
    for (size_t set = 0; set < groups.size(); ++set) {
      const KvPages& pages = PageSet(set);
      if (!pages.present()) continue;
      for (const int32_t page : pages.TableOf(sequence).pages) {
        if (page == kNoPage) continue;
        const int32_t group = pages.GroupOf(page);
        if (groups[set].empty() || groups[set].back() != group) {
          groups[set].push_back(group);
        }
      }
    }
    const int32_t text = cross_.TextOf(sequence);
    if (text == CrossPages::kNoText) continue;
    if (std::find(texts.begin(), texts.end(), text) != texts.end()) continue;
    texts.push_back(text);
    use.text_tokens += cross_.Length(sequence);
    use.text_pages +=
        static_cast<int64_t>(cross_.TableOf(sequence).pages.size());
  }
  use.cells = CountDifferent(cells);
  for (std::vector<int32_t>& numbers : groups) {
    use.groups.push_back(CountDifferent(numbers));
  }
  return use;
}

Status HybridMemory::CheckRestore(const RestoredMemory& restored,
                                  std::span<const SequenceId> kept) const {
  const Use use = UseOf(kept);
  int64_t positions = 0;
  for (const RestoredMemory::Sequence& sequence : restored.sequences) {
    positions += sequence.length - sequence.shared;
  }
  if (!groups_.empty() && positions > limits_.kv_positions - use.positions) {
    return DoesNotFit("positions", positions, use.positions,
                      limits_.kv_positions, "-c");
  }
  if (restored.cells > cells_.cells() - use.cells) {
    return DoesNotFit("state cells", restored.cells, use.cells, cells_.cells(),
                      "-np or --checkpoint-bytes");
  }
  size_t bytes =
      static_cast<size_t>(restored.cells + use.cells) * cells_.cell_bytes();
  for (size_t set = 0; set < use.groups.size(); ++set) {
    const KvPages& pages = PageSet(set);
    if (!pages.present()) continue;
    const int32_t needed = restored.groups[set];
    if (needed > pages.groups() - use.groups[set]) {
      return DoesNotFit("groups of pages", needed, use.groups[set],
                        pages.groups(), "-c");
    }
    bytes +=
        static_cast<size_t>(needed + use.groups[set]) * pages.group_bytes();
  }
  int64_t tokens = 0;
  int64_t text_pages = use.text_pages;
  for (const int32_t length : restored.texts) {
    tokens += length;
    text_pages += (int64_t{length} + kPagePositions - 1) / kPagePositions;
  }
  if (tokens > limits_.kv_positions - use.text_tokens) {
    return DoesNotFit("tokens of encoder texts", tokens, use.text_tokens,
                      limits_.kv_positions, "-c");
  }
  bytes += static_cast<size_t>(text_pages) * cross_.page_bytes();
  if (limits_.bytes == 0 || bytes <= limits_.bytes) return {};
  return Error{
      Format("with the saved state the sequences' memory needs {} bytes, {} "
             "are allowed: raise --memory-limit or remove a sequence",
             bytes, limits_.bytes)};
}

HybridMemory::RestoreScratch HybridMemory::PrepareRestore(
    const RestoredMemory& restored) {
  const size_t count = restored.sequences.size();
  RestoreScratch scratch;
  scratch.cells.assign(static_cast<size_t>(restored.cells), kNoCell);
  for (const int32_t groups : restored.groups) {
    scratch.groups.emplace_back(static_cast<size_t>(groups), kNoPage);
  }
  size_t most_groups = 0;
  for (const RestoredMemory::Sequence& sequence : restored.sequences) {
    if (cells_.present()) {
      cells_.ReserveCheckpoints(sequence.id, sequence.checkpoints.size());
    }
    for (const RestoredMemory::Pages& pages : sequence.pages) {
      most_groups = std::max(most_groups, pages.groups.size());
    }
  }
  scratch.shared.reserve(most_groups);
  scratch.oldest.reserve(count);
  scratch.given.assign(count, 0);
  scratch.others.reserve(count);
  scratch.shared_lengths.reserve(count);
  scratch.first_with.assign(restored.texts.size(), -1);
  for (const int32_t length : restored.texts) cross_.Reserve(length);
  return scratch;
}

void HybridMemory::Restore(const RestoredMemory& restored,
                           std::span<const SequenceId> kept,
                           RestoreScratch& scratch) {
  Cancel();
  for (SequenceId id = 0; id < lineage_.sequences(); ++id) {
    if (std::binary_search(kept.begin(), kept.end(), id)) continue;
    BRAID_CHECK(Release(id).ok());
  }
  RestoreCells(restored, scratch);
  for (size_t set = 0; set <= groups_.size(); ++set) {
    RestorePages(restored, set, scratch);
  }
  RestoreLineage(restored, scratch);
  for (const RestoredMemory::Sequence& sequence : restored.sequences) {
    if (sequence.text < 0) continue;
    SequenceId& first = scratch.first_with[sequence.text];
    if (first < 0) {
      first = sequence.id;
      cross_.Add(first, restored.texts[sequence.text]);
    } else {
      cross_.Fork(first, sequence.id);
    }
  }
}

void HybridMemory::RestoreCells(const RestoredMemory& restored,
                                RestoreScratch& scratch) {
  std::vector<int32_t>& cells = scratch.cells;
  auto& heap = scratch.oldest;
  std::vector<size_t>& given = scratch.given;
  for (int32_t& cell : cells) {
    cell = cells_.TakeCell();
    BRAID_CHECK(cell != kNoCell);
  }
  // The oldest checkpoint first, because the order of giving is their age; but
  // those of a sequence by position.
  const auto push = [&](size_t i) {
    const auto& checkpoints = restored.sequences[i].checkpoints;
    if (given[i] == checkpoints.size()) return;
    heap.push_back({checkpoints[given[i]].made, i});
    std::push_heap(heap.begin(), heap.end(), std::greater<>());
  };
  for (size_t i = 0; i < restored.sequences.size(); ++i) {
    const RestoredMemory::Sequence& sequence = restored.sequences[i];
    if (sequence.cell == kNoCell) continue;
    cells_.Give(sequence.id, cells[sequence.cell], sequence.length);
    push(i);
  }
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    const size_t i = heap.back().second;
    heap.pop_back();
    const RestoredMemory::Sequence& sequence = restored.sequences[i];
    const auto& checkpoint = sequence.checkpoints[given[i]++];
    cells_.GiveCheckpoint(sequence.id, checkpoint.position,
                          cells[checkpoint.cell], checkpoint.kept);
    push(i);
  }
}

void HybridMemory::RestorePages(const RestoredMemory& restored, size_t set,
                                RestoreScratch& scratch) {
  KvPages& pages = set < groups_.size() ? groups_[set] : log_;
  if (!pages.present()) return;
  // The memory's groups, by the numbers that `restored` gives them.
  std::vector<int32_t>& groups = scratch.groups[set];
  std::vector<int32_t>& shared = scratch.shared;
  for (const RestoredMemory::Sequence& sequence : restored.sequences) {
    if (sequence.length == 0) continue;
    const RestoredMemory::Pages& wanted = sequence.pages[set];
    shared.clear();
    for (const int32_t number : wanted.groups) shared.push_back(groups[number]);
    pages.Restore(sequence.id, wanted.first, sequence.length, shared);
    const auto table = pages.TableOf(sequence.id).pages;
    const int32_t first = wanted.first / pages.group_positions();
    for (size_t i = 0; i < wanted.groups.size(); ++i) {
      // Of a group's pages the table has those with positions of the sequence.
      const size_t begin = (static_cast<size_t>(first) + i) *
                           static_cast<size_t>(pages.pages_per_group());
      const size_t page = std::max(
          begin, static_cast<size_t>(wanted.first / pages.page_positions()));
      groups[wanted.groups[i]] = pages.GroupOf(table[page]);
    }
  }
}

void HybridMemory::RestoreLineage(const RestoredMemory& restored,
                                  RestoreScratch& scratch) {
  std::vector<SequenceId>& others = scratch.others;
  std::vector<Position>& shared = scratch.shared_lengths;
  for (size_t i = 0; i < restored.sequences.size(); ++i) {
    const RestoredMemory::Sequence& sequence = restored.sequences[i];
    if (sequence.length == 0) continue;
    others.clear();
    shared.clear();
    for (size_t k = 0; k < i && sequence.parent >= 0; ++k) {
      const SequenceId other = restored.sequences[k].id;
      const SequenceId parent = restored.sequences[sequence.parent].id;
      const Position common =
          other == parent
              ? sequence.shared
              : std::min(sequence.shared, lineage_.Shared(parent, other));
      if (common == 0) continue;
      others.push_back(other);
      shared.push_back(common);
    }
    lineage_.Restore(sequence.id, sequence.length, others, shared);
  }
}

}  // namespace braid
