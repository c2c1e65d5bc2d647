#include "engine/pooler.h"

#include <algorithm>

#include "base/check.h"

namespace braid {

Pooler::Needed Pooler::RowsNeeded(Position position, int32_t count) const {
  switch (pooling_) {
    case Pooling::kNone:
      return {};
    case Pooling::kMean:
      return {0, count};
    case Pooling::kFirst:
    case Pooling::kRank:
      return {0, position == 0 ? 1 : 0};
    case Pooling::kLast:
      return {count - 1, count};
  }
  return {};
}

void Pooler::Add(ConstRows hidden, Position position, PooledRows& rows) const {
  BRAID_CHECK(hidden.width == width_ && hidden.rows >= 1);
  const size_t width = static_cast<size_t>(width_);
  rows.embedding.resize(width);
  if (pooling_ != Pooling::kMean) {
    BRAID_CHECK(hidden.rows == 1);
    std::copy_n(hidden.row(0), width, rows.embedding.begin());
    return;
  }
  if (position == 0) rows.sums.assign(width, 0.0);
  BRAID_CHECK(rows.sums.size() == width);
  for (int64_t m = 0; m < hidden.rows; ++m) {
    for (size_t i = 0; i < width; ++i) rows.sums[i] += hidden.row(m)[i];
  }
  const double count = static_cast<double>(position + hidden.rows);
  for (size_t i = 0; i < width; ++i) {
    rows.embedding[i] = static_cast<float>(rows.sums[i] / count);
  }
}

}  // namespace braid
