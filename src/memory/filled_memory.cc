#include "memory/filled_memory.h"

#include <algorithm>
#include <vector>

#include "base/format.h"
#include "base/huge_pages.h"
#include "base/try.h"
#include "memory/checked_size.h"
#include "memory/cross_pages.h"
#include "memory/page_sets.h"
#include "memory/state_cells.h"

namespace braid {

namespace {

constexpr size_t kSmallPage = 4096;

int64_t DivideUp(int64_t value, int64_t unit) {
  return value / unit + (value % unit != 0);
}

struct Extent {
  size_t begin = 0;
  size_t end = 0;
};

// Memory behind parts of a MappedRegion of `size` bytes that were written; they
// are given in ascending order. Huge pages begin at multiples of their size, a
// region anywhere: taken to be half way between two, it begins with small ones.
size_t BytesBehind(const std::vector<Extent>& written, size_t size) {
  const bool huge = HugePagesAreGiven() && size >= kHugePage;
  const size_t head = huge ? kHugePage / 2 : 0;
  const size_t unit = huge ? kHugePage : kSmallPage;
  const auto page_of = [&](size_t at) -> Extent {
    if (at < head) {
      const size_t begin = at / kSmallPage * kSmallPage;
      return {begin, begin + kSmallPage};
    }
    const size_t begin = (at - head) / unit * unit + head;
    return {begin, std::min(size, begin + unit)};
  };
  size_t bytes = 0;
  size_t counted = 0;  // all before it
  for (const Extent& extent : written) {
    if (extent.begin >= extent.end) continue;
    const size_t begin = std::max(counted, page_of(extent.begin).begin);
    const size_t end = page_of(extent.end - 1).end;
    if (end <= begin) continue;
    bytes += end - begin;
    counted = end;
  }
  return bytes;
}

// Memory behind the first `pages` pages of all layers: page p of a layer at
// offset + p * stride.
template <class Layer>
size_t BytesOfPages(const std::vector<Layer>& layers, int64_t pages,
                    size_t size) {
  std::vector<Extent> written;
  for (const Layer& layer : layers) {
    written.push_back({layer.offset, layer.offset + static_cast<size_t>(pages) *
                                                        layer.stride});
  }
  return BytesBehind(written, size);
}

// Between ubatches a sequence has its own cell, up to two rolling checkpoints
// and those that are kept; a ubatch takes more before it gives any back
// (StateCells).
int64_t CellsInUse(const StateCells::Sizes& sizes, const MemoryLimits& limits,
                   const Filling& filling) {
  const int64_t k = limits.rollback;
  const int64_t every = limits.checkpoint_every;
  // Of those that the ubatch cuts there is a part at each end.
  const int64_t runs =
      std::min<int64_t>(limits.max_sequences, filling.runs + 2);
  int64_t of_sequence = 1;
  int64_t of_run = 0;
  int64_t kept = 0;
  int64_t passed = 0;  // kept checkpoints that a run leaves behind
  if (k > 0) {
    of_sequence += std::min<int64_t>(2, filling.positions / k);
    // Where a run begins at a checkpoint, it leaves the cell to that.
    of_run += 1 + std::min<int64_t>(2, DivideUp(filling.run_tokens - 1, k));
  }
  if (every > 0) {
    kept = limits.max_sequences * (filling.positions / every);
    passed = runs * DivideUp(filling.run_tokens, every);
  }
  const int64_t in_use = limits.max_sequences * of_sequence + runs * of_run +
                         std::min(kept, sizes.most_kept) +
                         std::min({kept, passed, sizes.most_kept});
  return std::min<int64_t>(sizes.cells, in_use);
}

// How many positions a set of pages holds.
struct Held {
  int64_t of_sequence = 0;  // the last ones, between batches
  // What a sequence's part of a batch brings before anything is given back: so
  // many pieces of so many positions.
  int64_t pieces = 0;
  int64_t of_piece = 0;
};

int64_t GroupsInUse(const KvPages::Sizes& sizes, int64_t group_positions,
                    const Held& held, const MemoryLimits& limits,
                    const Filling& filling) {
  const int64_t all = DivideUp(filling.positions, group_positions);
  const int64_t of_sequence =
      std::min(all, DivideUp(held.of_sequence, group_positions) + 1);
  const int64_t of_batch =
      std::min(all - of_sequence,
               held.pieces * DivideUp(held.of_piece, group_positions));
  return std::min<int64_t>(
      sizes.groups,
      limits.max_sequences * of_sequence + filling.batch_sequences * of_batch);
}

// Tables of small pages: `used` of the `row` bytes of each sequence are
// written.
size_t TableBytes(size_t row, size_t used, int64_t sequences) {
  const size_t of_sequence =
      std::min(row, DivideUp(used, kSmallPage) * kSmallPage);
  const size_t all = static_cast<size_t>(sequences) * of_sequence;
  return static_cast<size_t>(DivideUp(all, kSmallPage)) * kSmallPage;
}

// Of a set of pages: its tables, and two counts and a bit for each group.
CheckedSize BooksOf(const KvPages::Sizes& sizes, int64_t page_positions,
                    const MemoryLimits& limits, const Filling& filling) {
  const auto row = static_cast<size_t>(sizes.table_pages) * sizeof(int32_t);
  const auto used =
      static_cast<size_t>(DivideUp(filling.positions, page_positions)) *
      sizeof(int32_t);
  const auto groups = static_cast<size_t>(sizes.groups);
  return CheckedSize(TableBytes(row, used, limits.max_sequences)) +
         CheckedSize(groups * 2 * sizeof(int32_t)) + CheckedSize(groups / 8);
}

// Pages and replay log of `filled`; gives their books.
Result<CheckedSize> FillSets(const MemorySpec& spec, const MemoryLimits& limits,
                             const Filling& filling, FilledMemory& filled) {
  CheckedSize books = 0;
  CheckedSize pages = 0;
  const auto fill = [&](const PageSetSpec& set,
                        const Held& held) -> Result<size_t> {
    BRAID_ASSIGN(const KvPages::Sizes sizes,
                 KvPages::SizesOf(set.pages, set.limits));
    filled.groups.push_back(0);
    if (sizes.groups == 0) return size_t{0};
    const int64_t positions = set.pages.page_positions;
    const int64_t groups = GroupsInUse(
        sizes, positions * set.pages.pages_per_group, held, limits, filling);
    filled.groups.back() = groups;
    books = books + BooksOf(sizes, positions, limits, filling);
    return BytesOfPages(sizes.layers, groups * set.pages.pages_per_group,
                        sizes.bytes);
  };
  for (const int window : WindowsOf(spec)) {
    const Held held = {
        .of_sequence = window == 0 ? filling.positions
                                   : int64_t{window} + limits.rollback - 1,
        .pieces = 1,
        .of_piece = filling.batch_tokens};
    BRAID_ASSIGN(const size_t bytes,
                 fill(AttentionPages(spec, window, limits), held));
    pages = pages + CheckedSize(bytes);
  }
  // Of a run only what will be kept is logged.
  const int64_t logged = 2 * int64_t{limits.rollback};
  const Held held = {
      .of_sequence = logged,
      .pieces = DivideUp(filling.batch_tokens, filling.run_tokens),
      .of_piece = std::min(filling.run_tokens, logged)};
  BRAID_ASSIGN(filled.replay_log, fill(LogPages(spec, limits), held));
  if (!pages.value()) return Error{"the pages of all layers overflow 64 bits"};
  filled.pages = *pages.value();
  return books;
}

// Two books of what cells have as owners, and lists of checkpoints.
size_t BooksOf(const StateCells::Sizes& sizes, int64_t in_use) {
  constexpr size_t kOfCell = 2 * (3 * sizeof(int32_t)) + 1;
  return static_cast<size_t>(sizes.cells) * kOfCell +
         static_cast<size_t>(in_use) * 2 * sizeof(StateCells::Checkpoint);
}

}  // namespace

Result<FilledMemory> Fill(const MemorySpec& spec, const MemoryLimits& limits,
                          const Filling& filling) {
  FilledMemory filled;
  BRAID_ASSIGN(CheckedSize books, FillSets(spec, limits, filling, filled));
  BRAID_ASSIGN(const StateCells::Sizes cells,
               StateCells::SizesOf(spec, limits));
  if (cells.cells > 0) {
    filled.cell_count = CellsInUse(cells, limits, filling);
    const size_t bytes =
        static_cast<size_t>(filled.cell_count) * cells.cell_bytes;
    filled.cells = BytesBehind({{0, bytes}}, cells.bytes);
    books = books + CheckedSize(BooksOf(cells, filled.cell_count));
  }
  BRAID_ASSIGN(const CrossPages::Sizes texts,
               CrossPages::SizesOf(spec, limits));
  filled.text_pages = std::min<int64_t>(
      texts.pages,
      limits.max_sequences * DivideUp(filling.text_tokens, kPagePositions));
  filled.texts = BytesOfPages(texts.layers, filled.text_pages, texts.bytes);
  if (!books.value()) return Error{"the tables of pages overflow 64 bits"};
  filled.books = *books.value();
  return filled;
}

}  // namespace braid
