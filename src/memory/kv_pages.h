// KvPages: what layers keep by position, in pages. One object serves the layers
// that forget alike: those that attend to everything, those with one width of
// sliding window, and the replay log of recurrent layers.
//
// Every sequence owns a page table; page i of it holds positions
// [i * P, (i + 1) * P) of all the object's layers, which share one space of
// page numbers. P is what the kernels walk (kPagePositions, or kLogPositions).
// Pages are taken, shared, copied and given back in groups of `pages_per_group`
// neighbours (EngineOptions::page_positions).
//
// Forks share groups; the first write into a partly filled one that others use
// goes to a copy. The copy is made by Begin(), into a group that the plan
// reserved: until then nothing is touched. Sequences that share a run leave it
// with the same pages, those of the first one.
//
// What is behind a sequence's window (Forget) is given back when a ubatch is
// committed; the table has kNoPage there.
//
// How many groups are enough, for P positions a group. Sequences that share at
// least P (j + 1) positions (lineage.h) share group j, because a shared full
// group is never written again. Count the sequences one after another: one with
// n positions, m of them shared with an earlier one, brings at most ceil(n / P)
// - floor(m / P) <= (n - m + 2 P - 2) / P new groups. The sum of n - m is what
// the limit on positions counts. A plan gives nothing back before it is
// committed: beside what will be there are the groups that sequences leave for
// those of the first one with which they share a run. That happens to a
// sequence once in a plan, since afterwards those that share all its positions
// have the same groups. So S sequences need at most limit / P + 3 S groups, and
// whatever fits by positions fits by pages.
//
// A part of HybridMemory, which calls it in the order that its header shows.
// Not thread-safe.
#ifndef BRAID_SRC_MEMORY_KV_PAGES_H_
#define BRAID_SRC_MEMORY_KV_PAGES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/run.h"
#include "batch/ubatch.h"
#include "braid/result.h"
#include "braid/types.h"
#include "memory/free_slots.h"
#include "memory/mapped_region.h"
#include "memory/spec.h"

namespace braid {

// The layers of one KvPages.
struct PageGroupSpec {
  // Positions per page, P, and pages that are taken together.
  int page_positions = kPagePositions;
  int pages_per_group = 1;
  // The limit on positions counts what is kept, not how long sequences are: a
  // table has room for any position (the replay log).
  bool unlimited_positions = false;
  // [layers of the model] bytes of one page; 0: not one of these layers.
  std::vector<size_t> page_bytes;
};

class KvPages {
 public:
  // Where a layer's pages lie: page p at offset + p * stride.
  struct Layer {
    size_t offset = 0;
    size_t stride = 0;
  };
  // What an object reserves.
  struct Sizes {
    int32_t groups = 0;         // 0: there is no layer
    int64_t table_pages = 0;    // of a sequence's table
    std::vector<Layer> layers;  // of the model
    size_t group_bytes = 0;     // of one group, all layers together
    size_t bytes = 0;           // of all groups
    size_t table_bytes = 0;     // of all sequences' tables
  };
  // Errors: no positions although there is a layer, a size overflows.
  static Result<Sizes> SizesOf(const PageGroupSpec& spec,
                               const MemoryLimits& limits);

  // Reserves address space for all pages; nothing grows or moves later. Errors:
  // those of SizesOf, and that the system refuses.
  static Result<KvPages> Create(const PageGroupSpec& spec,
                                const MemoryLimits& limits);

  // Reserves pages for the runs of ubatch number `ubatch`, which follow the
  // plans made so far, and fills one table per run. Of run i only positions
  // from kept_from[i] on are kept at all: no page is taken for those before
  // (kept_from empty: all), and the run's part of the table has kNoPage there.
  // Where it has a page, the run may write. The tables are valid until the plan
  // ends.
  void Plan(int ubatch, const RunOwners& owners, std::span<const Run> runs,
            std::span<const Position> kept_from, std::span<PageTable> tables);
  // Makes the copies that the runs of `ubatch` need before they write.
  void Begin(int ubatch);
  void Commit(int ubatch, const RunOwners& owners, std::span<const Run> runs);
  // Undoes the plan of a ubatch that was not committed: the last one first.
  void Cancel(int ubatch, const RunOwners& owners, std::span<const Run> runs);

  // Undoes all of the plan that was not committed, also where Plan threw in the
  // middle of an ubatch. Takes time linear in the groups.
  void Abandon();

  // `to` must be empty.
  void Fork(SequenceId from, SequenceId to);
  // Forgets positions [length, end) of a sequence.
  void Truncate(SequenceId sequence, Position length);
  // Gives back the groups of a sequence all of whose positions are below
  // `begin`. Not during a plan of uncommitted ubatches of that sequence.
  void Forget(SequenceId sequence, Position begin);
  // Restoring: an empty sequence gets `length` positions, of which those from
  // `first` on are kept. Its groups are shared[i] (given with their number, see
  // GroupOf) where that is not kNoPage, and fresh otherwise, to be written
  // through TableOf. shared: one entry per group from first's on; may be empty.
  void Restore(SequenceId sequence, Position first, Position length,
               std::span<const int32_t> shared);

  // Memory of a layer: page p at PageBase + p * PageStride, 64-byte aligned.
  std::byte* PageBase(int layer) {
    return region_.data() + layers_[layer].offset;
  }
  size_t PageStride(int layer) const { return layers_[layer].stride; }

  // Is there any layer?
  bool present() const { return groups_.count() > 0; }
  int page_positions() const { return page_positions_; }
  int group_positions() const { return page_positions_ * pages_per_group_; }
  Position Length(SequenceId sequence) const { return length_[sequence]; }
  // The first position that the sequence still keeps; its length when it keeps
  // none.
  Position First(SequenceId sequence) const { return first_[sequence]; }
  // What the sequence remembers now.
  PageTable TableOf(SequenceId sequence) const;
  // The group of a page of a table.
  int32_t GroupOf(int32_t page) const { return page / pages_per_group_; }
  int32_t Owners(int32_t group) const { return owners_[group]; }
  int32_t pages_per_group() const { return pages_per_group_; }
  int32_t groups() const { return groups_.count(); }
  // Taken now or by the plan.
  int32_t groups_in_use() const { return groups_.count() - groups_.free(); }
  // Groups from here on were never taken: no memory is behind them.
  int32_t groups_touched() const { return groups_.touched(); }
  // Groups that the sequence's table has, shared or not.
  int32_t GroupsOf(SequenceId sequence) const;
  // Bytes of one group, all layers together.
  size_t group_bytes() const { return group_bytes_; }
  size_t used_bytes() const {
    return static_cast<size_t>(groups_in_use()) * group_bytes_;
  }
  size_t capacity_bytes() const { return region_.size(); }

 private:
  // What a planned ubatch changes in a table that is in use: the group that a
  // run begins inside of.
  struct Change {
    int ubatch;
    SequenceId sequence;
    SequenceId source;  // the first of the run's sequences
    int32_t index;      // of the group in the table
    int32_t from;       // groups, or kNoPage
    int32_t to;
    bool copied;  // its contents too
  };

  KvPages(const PageGroupSpec& spec, const MemoryLimits& limits, Sizes sizes);

  int32_t* Table(SequenceId sequence) const {
    return reinterpret_cast<int32_t*>(tables_.data()) +
           static_cast<size_t>(sequence) * static_cast<size_t>(table_pages_);
  }
  // Groups that `length` positions lie in.
  int32_t GroupsFor(Position length) const;
  // Group `index` of a table, or kNoPage: now, and when the plan is committed.
  int32_t GroupAt(SequenceId sequence, int32_t index) const;
  int32_t PlannedGroup(SequenceId sequence, int32_t index) const;
  void SetGroup(SequenceId sequence, int32_t index, int32_t group);
  // A run begins inside group `index`; kept: it has positions there that are.
  void PlanPartlyFilled(int ubatch, std::span<const SequenceId> owners,
                        int32_t index, bool kept);
  // Gives back the groups wholly before `begin`, which is kept from then on.
  void StartAt(SequenceId sequence, Position begin);
  int32_t TakeGroup();
  void ReleaseGroup(SequenceId sequence, int32_t index);
  void GiveIfUnused(int32_t group);
  void CopyGroup(int32_t from, int32_t to);

  MappedRegion region_;
  std::vector<Layer> layers_;
  size_t group_bytes_ = 0;
  int page_positions_;
  int32_t pages_per_group_;
  int64_t table_pages_ = 0;
  FreeSlots groups_;
  // What is, and what will be when the plan is committed; equal without a plan.
  // A group is taken while either says that it has an owner.
  std::vector<int32_t> owners_, planned_owners_;  // [groups]
  std::vector<Position> length_;                  // [sequences]
  std::vector<Position> first_;                   // [sequences]
  // int32_t [sequences][table_pages_]. Entries behind a sequence's length
  // belong to its plan.
  MappedRegion tables_;
  // Of the current plan, not committed, in order.
  std::vector<Change> changes_;
  std::vector<Position> kept_;  // [runs] the first position that is kept
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_KV_PAGES_H_
