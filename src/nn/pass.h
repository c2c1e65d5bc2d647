// Pass: all that a model sees of one ubatch. Rows, positions, runs, memory;
// never a sequence id.
#ifndef BRAID_SRC_NN_PASS_H_
#define BRAID_SRC_NN_PASS_H_

#include <span>

#include "base/run.h"
#include "braid/types.h"
#include "kernels/attention.h"
#include "kernels/conv.h"
#include "kernels/rope.h"
#include "memory/hybrid_memory.h"
#include "ops/compute.h"

namespace braid {

struct Pass {
  std::span<const TokenId> tokens;      // [rows]
  std::span<const Position> positions;  // [rows]
  std::span<const Run> runs;            // cover the rows in order
  // [groups of attention layers][runs]; empty without attention.
  std::span<const std::span<const PageTable>> tables;
  std::span<const PageTable> log_tables;  // [runs]; empty: nothing is logged
  // Of the encoder texts that the runs' sequences look at, or that Encode
  // reads; empty without an encoder.
  std::span<const PageTable> cross_tables;  // [runs]
  std::span<const int32_t> cross_lengths;   // [runs], tokens
  std::span<const RopeTable> rope_tables;   // one per LanguageModel::ropes()
  DType kv_type;                            // how keys and values are stored
  HybridMemory& memory;
  Compute compute;

  int64_t rows() const { return static_cast<int64_t>(tokens.size()); }
  // Where each run's convolution window and state of `layer` are read and
  // written. The result lives in the arena. A layer with several windows finds
  // one at `offset` floats.
  StatePhases ConvRuns(int layer, size_t offset = 0);
  StatePhases ScanRuns(int layer);
  std::span<const PageTable> Tables(int layer) const {
    return tables[memory.GroupOf(layer)];
  }
  // Puts rows into columns [column, column + width) of what `layer` logs of
  // their positions, as far as the log has room for them: nothing, mostly.
  void Log(int layer, int64_t column, ConstRows rows);
  // Columns [column, column + width) of what `layer` has logged of the rows'
  // positions, all of which are in the log: {rows, width}.
  Rows Logged(int layer, int64_t column, int64_t width);
  KvPagesView Pages(int layer) {
    return {memory.PageBase(layer), memory.PageStride(layer)};
  }
  KvPagesView CrossPages(int layer) {
    return {memory.cross().PageBase(layer), memory.cross().PageStride(layer)};
  }
};

}  // namespace braid

#endif  // BRAID_SRC_NN_PASS_H_
