// ValidateBatch: is a batch one that can be decoded?
#ifndef BRAID_SRC_BATCH_VALIDATE_H_
#define BRAID_SRC_BATCH_VALIDATE_H_

#include <cstdint>
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
  // The model knows positions below this one only; 0: any.
  int positions = 0;
  // Rows of a ubatch: an encoder text must fit one (-ub).
  int max_rows = 0;
  // Tokens of the encoder text that each sequence has; empty: the model has no
  // encoder.
  std::span<const int32_t> encoder_lengths = {};
  bool logits = true;   // can they be asked for?
  bool pooling = true;  // is it known how?
  // A sequence's tokens must all lie in one batch.
  bool whole_sequences = false;
};

// Reusable scratch of ValidateBatch, so that the steady state allocates
// nothing.
struct BatchScratch {
  std::vector<Position> expected;
  std::vector<uint8_t> encoded;  // [sequences] has an encoder text
  std::vector<uint8_t> seen;     // [sequences] what its entries were wanted for
};

// Refuses, naming the entry and both values: an empty batch, too many tokens, a
// token outside the vocabulary, a sequence that does not exist, a position
// that skips or repeats, and what the limits do not allow. The entries of a
// sequence are all pooled, from position 0 on, or none is. Changes nothing.
Status ValidateBatch(const Batch& batch, const BatchLimits& limits,
                     BatchScratch& scratch);

}  // namespace braid

#endif  // BRAID_SRC_BATCH_VALIDATE_H_
