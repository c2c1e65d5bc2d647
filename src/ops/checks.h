// What operations check before they call a kernel.
#ifndef BRAID_SRC_OPS_CHECKS_H_
#define BRAID_SRC_OPS_CHECKS_H_

#include <cstdint>
#include <span>

#include "kernels/conv.h"
#include "tensor/rows.h"

namespace braid::ops {

inline bool SameShape(ConstRows a, ConstRows b) {
  return a.rows == b.rows && a.width == b.width;
}

// The runs (Run or StateRun) are rows 0 to rows - 1, in order, none empty.
template <class AnyRun>
bool RunsCover(std::span<const AnyRun> runs, int64_t rows) {
  int64_t next = 0;
  for (const AnyRun& run : runs) {
    if (run.begin != next || run.length < 1) return false;
    next += run.length;
  }
  return next == rows;
}

// The pieces of all phases together are rows 0 to rows - 1, each once: those of
// a run follow one another from phase to phase, and runs are in order.
bool PhasesCover(StatePhases phases, int64_t rows);

}  // namespace braid::ops

#endif  // BRAID_SRC_OPS_CHECKS_H_
