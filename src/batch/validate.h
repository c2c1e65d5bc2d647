// ValidateBatch: is a batch one that can be decoded?
#ifndef BRAID_SRC_BATCH_VALIDATE_H_
#define BRAID_SRC_BATCH_VALIDATE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "braid/batch.h"
#include "braid/result.h"
#include "braid/types.h"

namespace braid {

// Of two different sequences: the leading positions that they share.
using SharedPositions = FunctionRef<Position(SequenceId, SequenceId)>;
inline constexpr auto kNothingShared = [](SequenceId /*a*/, SequenceId /*b*/) {
  return Position{0};
};

struct BatchLimits {
  // The text of a sequence that has none.
  static constexpr int32_t kNoText = -1;

  int max_tokens = 0;  // of one batch (-b)
  int vocabulary_size = 0;
  // The position that each sequence's next token must have; its size is the
  // number of sequences.
  std::span<const Position> next_positions;
  // As they are before the batch.
  SharedPositions shared_positions = kNothingShared;
  // The model knows positions below this one only; 0: any.
  int positions = 0;
  // Rows of a ubatch: an encoder text must fit one (-ub).
  int max_rows = 0;
  // [sequences] a number >= 0 for each encoder text, equal for sequences that
  // look at the same one, or kNoText; empty: the model has no encoder.
  std::span<const int32_t> encoder_texts = {};
  // [sequences] 1: what it holds was pooled; empty: of no sequence.
  std::span<const uint8_t> pooled = {};
  bool logits = true;   // can they be asked for?
  bool pooling = true;  // is it known how?
  // A sequence's tokens must all lie in one batch.
  bool whole_sequences = false;
};

// Reusable scratch of ValidateBatch, so that the steady state allocates
// nothing. All are by sequence.
struct BatchScratch {
  std::vector<Position> expected;  // position of its next entry
  std::vector<int32_t> last;       // its last entry so far, or -1
  std::vector<int32_t> named;      // the last set that it was found in, or -1
  std::vector<int32_t> texts;      // its encoder text, those of the batch too
  std::vector<uint8_t> pooled;     // are its tokens so far?
};

// Refuses, naming the entry and both values:
//   - an empty batch, too many tokens, a token outside the vocabulary;
//   - a want that is none of Want's values, no target of kScore, or one outside
//     the vocabulary;
//   - a set of sequences that is empty, names one twice or one that does not
//     exist;
//   - a position that skips or repeats for one sequence of the set;
//   - sequences of a set whose past is not the same, or that look at different
//     encoder texts;
//   - a sequence of which some tokens are pooled and some are not;
//   - with whole_sequences, a text that was begun before or whose set changes;
//   - what the limits do not allow.
// Changes nothing. Takes time linear in the sequences of all sets.
Status ValidateBatch(const Batch& batch, const BatchLimits& limits,
                     BatchScratch& scratch);

}  // namespace braid

#endif  // BRAID_SRC_BATCH_VALIDATE_H_
