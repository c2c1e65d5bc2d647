// What becomes of the matches at which a text is cut.
#ifndef BRAID_SRC_TOKENIZER_SPLIT_BEHAVIOR_H_
#define BRAID_SRC_TOKENIZER_SPLIT_BEHAVIOR_H_

#include <vector>

#include "tokenizer/text_pattern.h"

namespace braid {

enum class SplitBehavior {
  kRemoved,             // they go
  kIsolated,            // each is a piece
  kMergedWithPrevious,  // each ends the piece before it
  kMergedWithNext,      // each begins the piece behind it
  kContiguous,          // those without a gap between are one piece
};

// Joins and drops spans until each is a piece; some may be empty. A match joins
// what lies before or behind it only if that is no match itself.
void ApplyBehavior(SplitBehavior behavior, std::vector<Span>& spans);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_SPLIT_BEHAVIOR_H_
