// Outputs: rows of a batch that were wanted, found again in the caller's order.
#ifndef BRAID_SRC_ENGINE_OUTPUTS_H_
#define BRAID_SRC_ENGINE_OUTPUTS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "braid/batch.h"
#include "tensor/rows.h"

namespace braid {

// Keeps its buffers; allocates only when a batch wants more rows than any
// before. Not thread-safe.
class Outputs {
 public:
  // For the entries with this want, rows of `width` values.
  Outputs(Want want, int64_t width) : want_(want), width_(width) {}

  // Forgets the last batch and makes room for `batch`'s wanted rows.
  void Begin(const Batch& batch);
  // The next `count` rows to be filled, for the entries `batch_index` names.
  Rows Append(std::span<const int32_t> batch_index);
  // The row of an entry; empty if it did not ask or was not reached.
  std::span<const float> Row(int entry) const;

 private:
  Want want_;
  int64_t width_;
  AlignedBuffer rows_;                 // [wanted rows][width]
  std::vector<int32_t> row_of_entry_;  // [entries], kNoRow where none
  int64_t filled_ = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_OUTPUTS_H_
