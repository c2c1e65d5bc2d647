#include "ops/checks.h"

#include <algorithm>

namespace braid::ops {

bool PhasesCover(StatePhases phases, int64_t rows) {
  if (phases.empty()) return false;
  size_t pieces = 0;
  for (const std::span<const StateRun> phase : phases) pieces += phase.size();

  int64_t next = 0;
  size_t found = 0;
  for (const StateRun& first : phases.front()) {
    if (first.begin != next || first.length < 1) return false;
    next += first.length;
    ++found;
    for (const std::span<const StateRun> phase : phases.subspan(1)) {
      const auto piece = std::lower_bound(
          phase.begin(), phase.end(), next,
          [](const StateRun& run, int64_t row) { return run.begin < row; });
      if (piece == phase.end() || piece->begin != next) break;
      if (piece->length < 1) return false;
      next += piece->length;
      ++found;
    }
  }
  return next == rows && found == pieces;
}

}  // namespace braid::ops
