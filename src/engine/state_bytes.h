// Where the bytes of saved cells, pages and encoder texts lie, in the memory
// and in the archive, and the way between them.
#ifndef BRAID_SRC_ENGINE_STATE_BYTES_H_
#define BRAID_SRC_ENGINE_STATE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "archive/visitor.h"
#include "engine/saved_state.h"
#include "memory/hybrid_memory.h"
#include "memory/spec.h"

namespace braid {

// Layers whose pages have common numbers: an attention group of the memory, the
// replay log, or the encoder texts. Of a page only the positions that were
// written are saved, packed: part by part, [outer][positions][bytes].
struct PageSet {
  struct Part {
    int layer = 0;
    PageLayout::Part layout;
  };
  int positions = kPagePositions;  // of a page
  int window = 0;                  // of attention, 0: everything
  bool log = false;
  std::vector<Part> parts = {};
  size_t position_bytes = 0;  // of all parts
};

// The attention groups in the memory's order, and the replay log as the last
// one if a model's layers can be logged, whether or not they are.
std::vector<PageSet> PageSetsOf(const MemorySpec& spec);
// Of encoder texts; no parts: the model has no encoder.
PageSet TextPagesOf(const MemorySpec& spec);
// Floats of a saved cell.
size_t CellFloats(const MemorySpec& spec);

// The pages that hold positions [0, count).
inline int32_t PagesFor(const PageSet& set, Position count) {
  return (count / set.positions) + (count % set.positions != 0 ? 1 : 0);
}

// Positions [begin, end) of a page.
struct PageRange {
  int32_t begin = 0;
  int32_t end = 0;

  size_t count() const { return static_cast<size_t>(end - begin); }
};

// What is saved of every page: all that any of the sequences that have it
// keeps. [page sets][pages]
std::vector<std::vector<PageRange>> RangesOfPages(
    const SavedState& state, const std::vector<PageSet>& sets);
// The same of one encoder text's pages.
std::vector<PageRange> RangesOfText(const PageSet& set, size_t tokens);

// Those positions of a page, whose layers' parts are in the memory at
// base(layer).
template <class Base>
void VisitPage(archive::Visitor& visitor, const PageSet& set,
               const PageRange& range, const Base& base) {
  for (const PageSet::Part& part : set.parts) {
    std::byte* data = base(part.layer) + part.layout.offset;
    const size_t row = static_cast<size_t>(set.positions) * part.layout.bytes;
    const size_t saved = range.count() * part.layout.bytes;
    if (saved == row) {
      visitor.Raw("page", {data, part.layout.outer * row});
      continue;
    }
    data += static_cast<size_t>(range.begin) * part.layout.bytes;
    for (size_t i = 0; i < part.layout.outer; ++i) {
      visitor.Raw("page", {data + i * row, saved});
    }
  }
}

// All recurrent layers of a cell.
void VisitCell(archive::Visitor& visitor, HybridMemory& memory, int32_t cell);

// Page `page` of set number `set`, in the memory.
std::byte* PageOf(HybridMemory& memory, size_t set, int layer, int32_t page);
std::byte* TextPageOf(HybridMemory& memory, int layer, int32_t page);

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_STATE_BYTES_H_
