// Splitter: a batch into ubatches.
#ifndef BRAID_SRC_BATCH_SPLITTER_H_
#define BRAID_SRC_BATCH_SPLITTER_H_

#include <span>
#include <vector>

#include "batch/ubatch.h"
#include "braid/batch.h"
#include "braid/result.h"

namespace braid {

// Owns its ubatches and reuses them: after the first batches of a given size
// Split allocates nothing. Not thread-safe.
class Splitter {
 public:
  // `max_rows` >= 1: the size of a ubatch (-ub).
  Splitter(SplitPolicy policy, int max_rows);

  // Cuts a batch that ValidateBatch has accepted. Within each sequence the
  // ubatches keep position order. The result is valid until the next Split.
  // Fails only for kWhole, when a sequence has more than max_rows tokens: the
  // error names the sequence, both numbers, and the flag to raise.
  Result<std::span<UBatch>> Split(const Batch& batch);
};

}  // namespace braid

#endif  // BRAID_SRC_BATCH_SPLITTER_H_
