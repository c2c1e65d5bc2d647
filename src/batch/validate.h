// ValidateBatch: is a batch one that can be decoded?
#ifndef BRAID_SRC_BATCH_VALIDATE_H_
#define BRAID_SRC_BATCH_VALIDATE_H_

#include <span>
#include <vector>

#include "braid/batch.h"
#include "braid/result.h"
#include "braid/types.h"

namespace braid {

struct BatchLimits {
  int max_tokens = 0;  // of one batch (-b)
  int vocabulary_size = 0;
  // The position that each sequence's next token must have; its size is the
  // number of sequences.
  std::span<const Position> next_positions;
};

// Reusable scratch of ValidateBatch, so that the steady state allocates
// nothing.
struct BatchScratch {
  std::vector<Position> expected;
};

// Refuses, naming the entry and both values: an empty batch, too many tokens, a
// token outside the vocabulary, a sequence that does not exist, a position
// that skips or repeats. Changes nothing.
Status ValidateBatch(const Batch& batch, const BatchLimits& limits,
                     BatchScratch& scratch);

}  // namespace braid

#endif  // BRAID_SRC_BATCH_VALIDATE_H_
