// Pooler: the hidden rows of a text, pooled to one, over any number of ubatches
// and calls.
#ifndef BRAID_SRC_ENGINE_POOLER_H_
#define BRAID_SRC_ENGINE_POOLER_H_

#include <cstdint>

#include "braid/batch.h"
#include "engine/carried.h"
#include "tensor/rows.h"

namespace braid {

// Rows come in position order, and what becomes of them depends on nothing
// else: so the embedding of a text does not depend on how it was cut.
// Immutable.
class Pooler {
 public:
  // `width` of the hidden rows, or the classifier's outputs for kRank.
  Pooler(Pooling pooling, int64_t width) : pooling_(pooling), width_(width) {}

  Pooling pooling() const { return pooling_; }

  // Which of a text's next `count` rows, the first at `position`, enter its
  // embedding: [begin, end) of them.
  struct Needed {
    int32_t begin = 0;
    int32_t end = 0;
  };
  Needed RowsNeeded(Position position, int32_t count) const;
  // Adds the rows that RowsNeeded named; `position` is that of the first of
  // them, and the text is empty if it is 0.
  void Add(ConstRows hidden, Position position, PooledRows& rows) const;

  // Does the embedding of a prefix follow from that of the text? Otherwise a
  // text can go back to its marks only.
  bool KeepsPrefixes() const {
    return pooling_ == Pooling::kFirst || pooling_ == Pooling::kRank;
  }

 private:
  Pooling pooling_;
  int64_t width_;
};

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_POOLER_H_
