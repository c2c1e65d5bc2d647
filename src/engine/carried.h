// Carried: what a sequence has beside its layers' memory, and what is forked,
// rolled back, saved and restored with it.
#ifndef BRAID_SRC_ENGINE_CARRIED_H_
#define BRAID_SRC_ENGINE_CARRIED_H_

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "braid/batch.h"
#include "braid/types.h"

namespace braid {

// The pooled embedding of a sequence so far. Rows are added in position order,
// so what is here depends on the rows alone.
struct PooledRows {
  std::vector<double> sums;  // [width]; Pooling::kMean only
  // The embedding: [width], or [classes] with Pooling::kRank. Empty: it takes
  // another token (kLast after a rollback).
  std::vector<float> embedding;
};

struct Carried {
  std::vector<TokenId> tokens;          // of the sequence, by position
  std::vector<TokenId> encoder_tokens;  // of its encoder text
  // The residual stream behind the last token, [width]: what its logits are
  // made of. Empty: not known.
  std::vector<float> last_row;
  // All tokens are pooled; an empty sequence is not.
  bool pooled = false;
  PooledRows rows;
  // The pooled rows at checkpoints, ascending by position.
  struct Mark {
    Position position = 0;
    PooledRows rows;
  };
  std::vector<Mark> marks;

  // Of a sequence that has pooled the same rows: those that this one has not.
  void AddMarks(const std::vector<Mark>& others) {
    for (const Mark& mark : others) {
      const auto at =
          std::lower_bound(marks.begin(), marks.end(), mark.position,
                           [](const Mark& m, Position position) {
                             return m.position < position;
                           });
      if (at == marks.end() || at->position != mark.position) {
        marks.insert(at, mark);
      }
    }
  }

  // Becomes what `other` is; keeps the memory. Throws before anything changes.
  void CopyFrom(const Carried& other) {
    std::vector<Mark> new_marks = other.marks;
    tokens.reserve(other.tokens.size());
    encoder_tokens.reserve(other.encoder_tokens.size());
    last_row.reserve(other.last_row.size());
    rows.sums.reserve(other.rows.sums.size());
    rows.embedding.reserve(other.rows.embedding.size());
    tokens = other.tokens;
    encoder_tokens = other.encoder_tokens;
    last_row = other.last_row;
    pooled = other.pooled;
    rows = other.rows;
    marks = std::move(new_marks);
  }

  // Forgets everything; keeps the memory.
  void Clear() {
    tokens.clear();
    encoder_tokens.clear();
    last_row.clear();
    pooled = false;
    rows.sums.clear();
    rows.embedding.clear();
    marks.clear();
  }
};

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_CARRIED_H_
