#include "nn/pass.h"

#include <algorithm>

#include "base/check.h"
#include "base/function_ref.h"
#include "ops/copy.h"

namespace braid {

namespace {

// Rows of a run up to its first snapshot, from there to the second, and so on;
// one piece more than snapshots.
StateRun PieceOf(const Run& run, size_t piece,
                 FunctionRef<float*(int32_t cell)> state) {
  const bool first = piece == 0;
  const bool last = piece == run.snapshots.size();
  const int32_t begin = first ? 0 : run.snapshots[piece - 1].offset;
  const int32_t end = last ? run.length : run.snapshots[piece].offset;
  const int32_t source = first ? run.source : run.snapshots[piece - 1].cell;
  const int32_t destination =
      last ? run.destination : run.snapshots[piece].cell;
  return {.begin = run.begin + begin,
          .length = end - begin,
          .source = source == kNoCell ? nullptr : state(source),
          .destination = state(destination)};
}

StatePhases PhasesOf(Arena& arena, std::span<const Run> runs,
                     FunctionRef<float*(int32_t cell)> state) {
  size_t count = 1;
  size_t rows = 0;
  for (const Run& run : runs) {
    count = std::max(count, run.snapshots.size() + 1);
    rows += static_cast<size_t>(run.length);
  }
  // A piece has a row, and a phase a piece: bounds that follow from the number
  // of rows alone. A pass of no more rows than an earlier one must not need
  // more.
  auto* phases = arena.Allocate<std::span<const StateRun>>(rows);
  StateRun* pieces = arena.Allocate<StateRun>(rows);
  for (size_t phase = 0; phase < count; ++phase) {
    size_t found = 0;
    for (const Run& run : runs) {
      if (phase > run.snapshots.size()) continue;
      pieces[found++] = PieceOf(run, phase, state);
    }
    phases[phase] = {pieces, found};
    pieces += found;
  }
  return {phases, count};
}

// Slots [slot, slot + count) of a page of the log: {count, log_floats}.
Rows LogRows(HybridMemory& memory, int layer, int32_t page, int32_t slot,
             int32_t count) {
  const auto floats = static_cast<int64_t>(memory.LogFloats(layer));
  return {memory.LogPage(layer, page) + slot * floats, count, floats, floats};
}

// Calls at(page, slot, row, count) for a run's positions page by page: `count`
// rows from `row` on belong into slots [slot, slot + count) of `page`.
template <class At>
void ForLogPages(const Run& run, const PageTable& table, const At& at) {
  for (Position position = run.first_position; position < run.end_position();) {
    const int32_t slot = position % kLogPositions;
    const int32_t count =
        std::min(kLogPositions - slot, run.end_position() - position);
    at(table.pages[static_cast<size_t>(position / kLogPositions)], slot,
       run.begin + (position - run.first_position), count);
    position += count;
  }
}

}  // namespace

StatePhases Pass::ConvRuns(int layer, size_t offset) {
  return PhasesOf(compute.arena, runs, [&](int32_t cell) {
    return memory.ConvState(layer, cell) + offset;
  });
}

StatePhases Pass::ScanRuns(int layer) {
  return PhasesOf(compute.arena, runs,
                  [&](int32_t cell) { return memory.ScanState(layer, cell); });
}

void Pass::Log(int layer, int64_t column, ConstRows rows) {
  if (log_tables.empty()) return;
  for (size_t i = 0; i < runs.size(); ++i) {
    ForLogPages(runs[i], log_tables[i],
                [&](int32_t page, int32_t slot, int32_t row, int32_t count) {
                  if (page == kNoPage) return;
                  ops::CopyInto(compute, rows.RowRange(row, count),
                                LogRows(memory, layer, page, slot, count)
                                    .Columns(column, rows.width));
                });
  }
}

Rows Pass::Logged(int layer, int64_t column, int64_t width) {
  const Rows logged = compute.NewRows(rows(), width);
  for (size_t i = 0; i < runs.size(); ++i) {
    ForLogPages(
        runs[i], log_tables[i],
        [&](int32_t page, int32_t slot, int32_t row, int32_t count) {
          BRAID_CHECK(page != kNoPage);
          ops::CopyInto(
              compute,
              LogRows(memory, layer, page, slot, count).Columns(column, width),
              logged.RowRange(row, count));
        });
  }
  return logged;
}

}  // namespace braid
