#include "memory/state_cells.h"

#include <limits>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "memory/checked_size.h"

namespace braid {

Result<StateCells> StateCells::Create(const MemorySpec& spec,
                                      int max_sequences) {
  bool recurrent = false;
  for (const LayerSpec& layer : spec.layers) recurrent |= layer.recurrent();
  const int64_t bound = int64_t{max_sequences} + max_sequences / 2;
  if (bound > std::numeric_limits<int32_t>::max()) {
    return Error{
        Format("{} sequences are too many: their {} state cells "
               "cannot be numbered",
               max_sequences, bound)};
  }
  StateCells cells(max_sequences, recurrent ? static_cast<int32_t>(bound) : 0);

  CheckedSize end = 0;
  CheckedSize cell_bytes = 0;
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const LayerSpec& layer = spec.layers[i];
    const CheckedSize window =
        (CheckedSize(layer.conv_floats) * sizeof(float)).RoundedUp(kAlignment);
    const CheckedSize state =
        (CheckedSize(layer.state_floats) * sizeof(float)).RoundedUp(kAlignment);
    const CheckedSize stride = window + state;
    const CheckedSize next = end + stride * static_cast<size_t>(bound);
    cell_bytes = cell_bytes + stride;
    if (!next.value()) {
      return Error{
          Format("layer {}: states of {} and {} floats for {} "
                 "sequences overflow the address space",
                 i, layer.conv_floats, layer.state_floats, max_sequences)};
    }
    cells.layers_.push_back({.offset = *end.value(),
                             .stride = *stride.value(),
                             .scan_offset = *window.value()});
    end = next;
  }
  cells.cell_bytes_ = *cell_bytes.value();
  BRAID_ASSIGN(cells.region_, MappedRegion::Create(*end.value()));
  return cells;
}

void StateCells::Plan(std::span<const SequenceId> sequences,
                      std::span<Run> runs) {
  if (!present()) return;
  // All decisions are made before any owner leaves: a cell that one run of the
  // ubatch reads must not be written by another.
  int32_t fresh = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    runs[i].source = planned_cell_of_[sequences[i]];
    runs[i].destination = runs[i].source;
    if (NeedsFreshCell(sequences[i])) {
      runs[i].destination = kNoCell;
      ++fresh;
    }
  }
  if (fresh == 0) return;
  BRAID_CHECK(fresh <= slots_.free());
  int32_t in_range = slots_.TakeRange(fresh);
  for (size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].destination != kNoCell) continue;
    const int32_t cell = in_range >= 0 ? in_range++ : slots_.Take();
    runs[i].destination = cell;
    planned_cell_of_[sequences[i]] = cell;
    planned_owners_[cell] = 1;
    if (runs[i].source != kNoCell) --planned_owners_[runs[i].source];
  }
}

void StateCells::Commit(std::span<const SequenceId> sequences,
                        std::span<const Run> runs) {
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto [source, destination] =
        std::pair(runs[i].source, runs[i].destination);
    if (source == destination) continue;
    cell_of_[sequences[i]] = destination;
    owners_[destination] = 1;
    if (source == kNoCell) continue;
    --owners_[source];
    if (owners_[source] == 0) slots_.Give(source);
  }
}

void StateCells::Cancel(std::span<const SequenceId> sequences,
                        std::span<const Run> runs) {
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto [source, destination] =
        std::pair(runs[i].source, runs[i].destination);
    if (source == destination) continue;
    planned_cell_of_[sequences[i]] = cell_of_[sequences[i]];
    planned_owners_[destination] = 0;
    slots_.Give(destination);
    if (source != kNoCell) ++planned_owners_[source];
  }
}

void StateCells::Fork(SequenceId from, SequenceId to) {
  const int32_t cell = cell_of_[from];
  if (cell == kNoCell) return;
  BRAID_CHECK(cell_of_[to] == kNoCell);
  cell_of_[to] = planned_cell_of_[to] = cell;
  planned_owners_[cell] = ++owners_[cell];
}

void StateCells::Release(SequenceId sequence) {
  const int32_t cell = cell_of_[sequence];
  if (cell == kNoCell) return;
  cell_of_[sequence] = planned_cell_of_[sequence] = kNoCell;
  planned_owners_[cell] = --owners_[cell];
  if (owners_[cell] == 0) slots_.Give(cell);
}

}  // namespace braid
