#include "nn/pass.h"

#include "base/function_ref.h"

namespace braid {

namespace {

std::span<const StateRun> StateRuns(Arena& arena, std::span<const Run> runs,
                                    FunctionRef<float*(int32_t cell)> state) {
  StateRun* state_runs = arena.Allocate<StateRun>(runs.size());
  for (size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    state_runs[i] = {
        .begin = run.begin,
        .length = run.length,
        .source = run.source == kNoCell ? nullptr : state(run.source),
        .destination = state(run.destination)};
  }
  return {state_runs, runs.size()};
}

}  // namespace

std::span<const StateRun> Pass::ConvRuns(int layer, size_t offset) {
  return StateRuns(compute.arena, runs, [&](int32_t cell) {
    return memory.ConvState(layer, cell) + offset;
  });
}

std::span<const StateRun> Pass::ScanRuns(int layer) {
  return StateRuns(compute.arena, runs,
                   [&](int32_t cell) { return memory.ScanState(layer, cell); });
}

}  // namespace braid
