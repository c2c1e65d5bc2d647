#include "batch/splitter.h"

#include <algorithm>

#include "base/check.h"
#include "base/format.h"
#include "base/try.h"

namespace braid {

namespace {

void Clear(UBatch& ubatch) {
  ubatch.tokens.clear();
  ubatch.positions.clear();
  ubatch.batch_index.clear();
  ubatch.wanted_rows.clear();
  ubatch.hidden_rows.clear();
  ubatch.scored_rows.clear();
  ubatch.pooled.clear();
  ubatch.runs.clear();
  ubatch.sequences.clear();
}

}  // namespace

Splitter::Splitter(SplitPolicy policy, int max_rows)
    : policy_(policy), max_rows_(max_rows) {
  BRAID_CHECK(max_rows >= 1);
}

Result<std::span<UBatch>> Splitter::Split(const Batch& batch) {
  GroupBySequence(batch);
  if (policy_ == SplitPolicy::kWhole) BRAID_TRY(CheckWholeSequencesFit());
  size_t count = 0;
  for (int done = 0; done < batch.size();) {
    if (count == ubatches_.size()) ubatches_.emplace_back();
    UBatch& ubatch = ubatches_[count++];
    ChooseTakes(batch, done);
    Emit(batch, ubatch);
    BRAID_CHECK(ubatch.rows() >= 1 && ubatch.rows() <= max_rows_);
    done += ubatch.rows();
  }
  return std::span(ubatches_.data(), count);
}

// A counting sort: stable, linear, and the groups stand in the order of first
// appearance.
void Splitter::GroupBySequence(const Batch& batch) {
  pending_.clear();
  std::fill(of_sequence_.begin(), of_sequence_.end(), -1);
  for (int i = 0; i < batch.size(); ++i) {
    const size_t sequence = static_cast<size_t>(batch[i].sequence);
    if (sequence >= of_sequence_.size()) of_sequence_.resize(sequence + 1, -1);
    int32_t& index = of_sequence_[sequence];
    if (index < 0) {
      index = static_cast<int32_t>(pending_.size());
      pending_.push_back({batch[i].sequence, 0, 0, 0});
    }
    ++pending_[index].end;
  }
  int begin = 0;
  for (Pending& pending : pending_) {
    const int length = pending.end;
    pending.next = pending.end = begin;
    begin += length;
  }
  entries_.resize(batch.size());
  for (int i = 0; i < batch.size(); ++i) {
    entries_[pending_[of_sequence_[batch[i].sequence]].end++] = i;
  }
}

Status Splitter::CheckWholeSequencesFit() const {
  for (const Pending& pending : pending_) {
    if (pending.left() > max_rows_) {
      return Error{
          Format("sequence {} has {} tokens that must not be cut, a "
                 "ubatch holds {}: raise -ub",
                 pending.sequence, pending.left(), max_rows_)};
    }
  }
  return {};
}

void Splitter::ChooseTakes(const Batch& batch, int done) {
  switch (policy_) {
    case SplitPolicy::kRagged:
      return TakeRagged();
    case SplitPolicy::kEqual:
      return TakeEqual();
    case SplitPolicy::kSimple:
      return TakeSimple(batch, done);
    case SplitPolicy::kWhole:
      return TakeWhole();
  }
}

void Splitter::TakeRagged() {
  const auto rows_at = [&](int level) {
    int64_t rows = 0;
    for (const Pending& p : pending_) rows += std::min(p.left(), level);
    return rows;
  };
  // The largest level that fits, by bisection: low fits, high + 1 does not or
  // is not needed.
  int low = 0;
  int high = max_rows_;
  while (low < high) {
    const int middle = low + (high - low + 1) / 2;
    if (rows_at(middle) <= max_rows_) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  int64_t spare = max_rows_ - rows_at(low);
  for (Pending& p : pending_) {
    p.take = std::min(p.left(), low);
    if (spare > 0 && p.take < p.left()) {
      ++p.take;
      --spare;
    }
  }
}

void Splitter::TakeEqual() {
  const size_t count =
      std::min(pending_.size(), static_cast<size_t>(max_rows_));
  int length = max_rows_ / static_cast<int>(count);
  for (size_t i = 0; i < count; ++i) {
    length = std::min(length, pending_[i].left());
  }
  for (size_t i = 0; i < pending_.size(); ++i) {
    pending_[i].take = i < count ? length : 0;
  }
}

void Splitter::TakeSimple(const Batch& batch, int done) {
  for (size_t i = 0; i < pending_.size(); ++i) {
    pending_[i].take = 0;
    of_sequence_[pending_[i].sequence] = static_cast<int32_t>(i);
  }
  const int rows = std::min(max_rows_, batch.size() - done);
  for (int i = done; i < done + rows; ++i) {
    ++pending_[of_sequence_[batch[i].sequence]].take;
  }
}

void Splitter::TakeWhole() {
  int spare = max_rows_;
  for (Pending& p : pending_) {
    p.take = p.left() <= spare ? p.left() : 0;
    spare -= p.take;
  }
}

void Splitter::Emit(const Batch& batch, UBatch& ubatch) {
  Clear(ubatch);
  // Any of the rows may be wanted the next time: grow with the rows, once.
  int rows = 0;
  for (const Pending& pending : pending_) rows += pending.take;
  ubatch.wanted_rows.reserve(rows);
  ubatch.hidden_rows.reserve(rows);
  ubatch.scored_rows.reserve(rows);
  for (Pending& pending : pending_) {
    if (pending.take == 0) continue;
    const int begin = ubatch.rows();
    ubatch.sequences.push_back(pending.sequence);
    ubatch.runs.push_back(
        {.begin = begin,
         .length = pending.take,
         .first_position = batch[entries_[pending.next]].position});
    ubatch.pooled.push_back(batch[entries_[pending.next]].want ==
                            Want::kPooled);
    for (int i = 0; i < pending.take; ++i) {
      const int32_t index = entries_[pending.next++];
      const Batch::Entry& entry = batch[index];
      if (entry.want == Want::kLogits) {
        ubatch.wanted_rows.push_back(ubatch.rows());
      } else if (entry.want == Want::kHidden) {
        ubatch.hidden_rows.push_back(ubatch.rows());
      } else if (entry.want == Want::kScore) {
        ubatch.scored_rows.push_back(ubatch.rows());
      }
      ubatch.tokens.push_back(entry.token);
      ubatch.positions.push_back(entry.position);
      ubatch.batch_index.push_back(index);
    }
  }
  std::erase_if(pending_, [](const Pending& p) { return p.left() == 0; });
}

}  // namespace braid
