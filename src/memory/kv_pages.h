// KvPages: the keys and values that attention layers remember.
//
// Every sequence owns a page table; page i of it holds positions
// [i * kPagePositions, (i + 1) * kPagePositions) of all attention layers, which
// share one space of page numbers. Forks share pages; the first write into a
// partly filled page that others use goes to a copy. The copy is made by
// Begin(), into a page that the plan reserved: until then nothing is touched.
//
// What the limit counts. Positions, each once for all sequences that share it:
// a fork costs nothing, and each of its own tokens one. Copied positions of a
// partly filled page are still shared ones. `shared_[a][b]` is the number of
// leading positions that two sequences share; as shared positions are always
// prefixes, a sequence has length - max over b of shared_[a][b] of its own.
//
// How many pages are enough. Sequences that share at least 32 (j + 1) positions
// share page j, because a shared full page is never written again. Count the
// sequences one after another: one with n positions, m of them shared with an
// earlier one, brings at most ceil(n / 32) - floor(m / 32) <= (n - m + 62) / 32
// new pages. The sum of n - m is what the limit counts, so S sequences need at
// most limit / 32 + 2 S pages, and whatever fits by positions fits by pages. A
// plan only adds pages, so this covers what is planned and not yet committed.
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
#include "braid/result.h"
#include "braid/types.h"
#include "memory/free_slots.h"
#include "memory/mapped_region.h"
#include "memory/spec.h"

namespace braid {

class KvPages {
 public:
  // Reserves address space for all pages; nothing grows or moves later. A model
  // without attention gets no pages and no limit. Errors: no positions for a
  // model with attention, a size overflows, or the system refuses.
  static Result<KvPages> Create(const MemorySpec& spec,
                                const MemoryLimits& limits);

  // Error: `rows` more positions exceed the limit. Changes nothing.
  Status CheckFits(int64_t rows) const;

  // Reserves pages for the runs of ubatch number `ubatch`, which follow the
  // plans made so far, and fills one table per run. CheckFits has accepted the
  // rows of all planned ubatches together.
  void Plan(int ubatch, std::span<const SequenceId> sequences,
            std::span<const Run> runs, std::span<PageTable> tables);
  // Makes the copies that the runs of `ubatch` need before they write.
  void Begin(int ubatch);
  void Commit(int ubatch, std::span<const SequenceId> sequences,
              std::span<const Run> runs);
  // Undoes the plan of a ubatch that was not committed: the last one first.
  void Cancel(int ubatch, std::span<const SequenceId> sequences,
              std::span<const Run> runs);

  // `to` must be empty.
  void Fork(SequenceId from, SequenceId to);
  // Forgets positions [length, end) of a sequence.
  void Truncate(SequenceId sequence, Position length);

  // Memory of an attention layer: page p at PageBase + p * PageStride, 64-byte
  // aligned.
  std::byte* PageBase(int layer) {
    return region_.data() + layers_[layer].offset;
  }
  size_t PageStride(int layer) const { return layers_[layer].stride; }

  // Is there any attention layer?
  bool present() const { return slots_.count() > 0; }
  // What the sequence remembers now.
  PageTable TableOf(SequenceId sequence) const;
  int32_t Owners(int32_t page) const { return owners_[page]; }
  int32_t pages() const { return slots_.count(); }
  int32_t pages_in_use() const { return slots_.count() - slots_.free(); }
  int64_t positions_in_use() const { return positions_in_use_; }
  // Leading positions that two different sequences share.
  Position Shared(SequenceId a, SequenceId b) const { return SharedRow(a)[b]; }
  // Bytes of one page, all layers together.
  size_t page_bytes() const { return page_bytes_; }
  size_t capacity_bytes() const { return region_.size(); }

 private:
  struct Layer {
    size_t offset = 0;
    size_t stride = 0;
  };
  // A shared page that a planned run will write to.
  struct Copy {
    int ubatch;
    SequenceId sequence;
    int32_t index;  // in the page table
    int32_t from;
    int32_t to;
  };

  KvPages(const MemoryLimits& limits, int32_t pages)
      : sequences_(limits.max_sequences),
        limit_(limits.kv_positions),
        slots_(pages),
        owners_(pages, 0),
        planned_owners_(pages, 0),
        length_(limits.max_sequences, 0) {}

  Status ReserveLayers(const MemorySpec& spec);
  Status ReserveTables();

  int32_t* Table(SequenceId sequence) const {
    return reinterpret_cast<int32_t*>(tables_.data()) +
           static_cast<size_t>(sequence) * slots_.count();
  }
  Position* SharedRow(SequenceId sequence) const {
    return reinterpret_cast<Position*>(shared_.data()) +
           static_cast<size_t>(sequence) * sequences_;
  }
  // The most positions that the sequence shares with any other.
  Position SharedWithAny(SequenceId sequence) const;
  // Reserves a copy of page `index` of the table if others will still use it.
  void PlanCopy(int ubatch, SequenceId sequence, int32_t index);
  int32_t TakePage();
  void ReleasePage(int32_t page);
  void CopyPage(int32_t from, int32_t to);

  MappedRegion region_;
  std::vector<Layer> layers_;
  size_t page_bytes_ = 0;

  int sequences_;
  int64_t limit_;
  int64_t positions_in_use_ = 0;
  FreeSlots slots_;
  // What is, and what will be when the plan is committed; equal without a plan.
  // A page is taken while either says that it has an owner.
  std::vector<int32_t> owners_, planned_owners_;  // [pages]
  std::vector<Position> length_;                  // [sequences]
  // int32_t [sequences][pages]. Entries behind a sequence's length belong to
  // its plan.
  MappedRegion tables_;
  MappedRegion shared_;  // Position [sequences][sequences]
  // Of the current plan, not committed, in order; at most one per sequence.
  std::vector<Copy> copies_;
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_KV_PAGES_H_
