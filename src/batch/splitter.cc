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
  ubatch.owners.Clear();
}

}  // namespace

Splitter::Splitter(SplitPolicy policy, int max_rows)
    : policy_(policy), max_rows_(max_rows) {
  BRAID_CHECK(max_rows >= 1);
}

Result<std::span<UBatch>> Splitter::Split(const Batch& batch) {
  FindStreams(batch);
  GroupByStream();
  if (policy_ == SplitPolicy::kWhole) BRAID_TRY(CheckWholeStreamsFit());
  size_t count = 0;
  for (int done = 0; done < batch.size();) {
    if (count == ubatches_.size()) ubatches_.emplace_back();
    UBatch& ubatch = ubatches_[count++];
    FindReady();
    ChooseTakes(done);
    Emit(batch, ubatch);
    BRAID_CHECK(ubatch.rows() >= 1 && ubatch.rows() <= max_rows_);
    done += ubatch.rows();
  }
  return std::span(ubatches_.data(), count);
}

void Splitter::FindStreams(const Batch& batch) {
  streams_.clear();
  owners_.clear();
  of_entry_.clear();
  std::fill(of_sequence_.begin(), of_sequence_.end(), kNoStream);
  for (int i = 0; i < batch.size(); ++i) {
    of_entry_.push_back(StreamOf(batch.Sequences(i)));
  }
}

// Sequences of one entry have their previous entry in common, so that the sets
// are equal if their sizes are.
int32_t Splitter::StreamOf(std::span<const SequenceId> sequences) {
  const SequenceId most = *std::max_element(sequences.begin(), sequences.end());
  if (static_cast<size_t>(most) >= of_sequence_.size()) {
    of_sequence_.resize(static_cast<size_t>(most) + 1, kNoStream);
  }
  const int32_t parent = of_sequence_[sequences.front()];
  if (parent != kNoStream &&
      streams_[parent].owners() == static_cast<int32_t>(sequences.size())) {
    return parent;
  }
  const int32_t stream = static_cast<int32_t>(streams_.size());
  const auto begin =
      owners_.insert(owners_.end(), sequences.begin(), sequences.end());
  std::sort(begin, owners_.end());
  const int32_t end = static_cast<int32_t>(owners_.size());
  streams_.push_back(
      {.parent = parent,
       .owners_begin = end - static_cast<int32_t>(sequences.size()),
       .owners_end = end});
  for (const SequenceId sequence : sequences) of_sequence_[sequence] = stream;
  return stream;
}

// A counting sort: stable and linear.
void Splitter::GroupByStream() {
  for (const int32_t stream : of_entry_) ++streams_[stream].end;
  pending_.clear();
  int32_t begin = 0;
  for (Stream& stream : streams_) {
    pending_.push_back(static_cast<int32_t>(pending_.size()));
    const int32_t length = stream.end;
    stream.next = stream.end = begin;
    begin += length;
  }
  entries_.resize(of_entry_.size());
  for (size_t i = 0; i < of_entry_.size(); ++i) {
    entries_[streams_[of_entry_[i]].end++] = static_cast<int32_t>(i);
  }
}

Status Splitter::CheckWholeStreamsFit() const {
  for (const Stream& stream : streams_) {
    if (stream.left() > max_rows_) {
      return Error{
          Format("sequence {} has {} tokens that must not be cut, a "
                 "ubatch holds {}: raise -ub",
                 owners_[stream.owners_begin], stream.left(), max_rows_)};
    }
  }
  return {};
}

void Splitter::FindReady() {
  std::erase_if(pending_, [&](int32_t i) { return streams_[i].left() == 0; });
  ready_.clear();
  for (const int32_t i : pending_) {
    if (IsReady(streams_[i])) ready_.push_back(i);
  }
}

bool Splitter::IsReady(const Stream& stream) const {
  return stream.parent == kNoStream || streams_[stream.parent].left() == 0;
}

void Splitter::ChooseTakes(int done) {
  switch (policy_) {
    case SplitPolicy::kRagged:
      return TakeRagged();
    case SplitPolicy::kEqual:
      return TakeEqual();
    case SplitPolicy::kSimple:
      return TakeSimple(done);
    case SplitPolicy::kWhole:
      return TakeWhole();
  }
}

void Splitter::TakeRagged() {
  const auto rows_at = [&](int32_t level) {
    int64_t rows = 0;
    for (const int32_t i : ready_) rows += std::min(streams_[i].left(), level);
    return rows;
  };
  // The largest level that fits, by bisection: low fits, high + 1 does not or
  // is not needed.
  int32_t low = 0;
  int32_t high = max_rows_;
  while (low < high) {
    const int32_t middle = low + (high - low + 1) / 2;
    if (rows_at(middle) <= max_rows_) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  int64_t spare = max_rows_ - rows_at(low);
  if (low < kShortestRun) return TakeLongRuns(low, spare);
  for (const int32_t i : ready_) {
    Stream& stream = streams_[i];
    stream.take = std::min(stream.left(), low);
    if (spare > 0 && stream.take < stream.left()) {
      ++stream.take;
      --spare;
    }
  }
}

void Splitter::TakeLongRuns(int32_t level, int64_t spare) {
  const auto is_short = [&](const Stream& stream) {
    return stream.left() <= level;
  };
  for (const int32_t i : ready_) {
    if (!is_short(streams_[i])) spare += level;
  }
  for (const int32_t i : ready_) {
    Stream& stream = streams_[i];
    if (is_short(stream)) {
      stream.take = stream.left();
      continue;
    }
    stream.take = static_cast<int32_t>(
        std::min<int64_t>(spare, std::min(stream.left(), kShortestRun)));
    spare -= stream.take;
  }
}

void Splitter::TakeEqual() {
  const size_t count = std::min(ready_.size(), static_cast<size_t>(max_rows_));
  int32_t length = max_rows_ / static_cast<int32_t>(count);
  for (size_t i = 0; i < count; ++i) {
    length = std::min(length, streams_[ready_[i]].left());
  }
  for (size_t i = 0; i < ready_.size(); ++i) {
    streams_[ready_[i]].take = i < count ? length : 0;
  }
}

// The first of the remaining entries is of a ready stream: all entries of its
// parent come before it.
void Splitter::TakeSimple(int done) {
  for (const int32_t i : ready_) streams_[i].take = 0;
  const int end =
      done + std::min(max_rows_, static_cast<int>(of_entry_.size()) - done);
  for (int i = done; i < end; ++i) {
    Stream& stream = streams_[of_entry_[i]];
    if (!IsReady(stream)) return;
    ++stream.take;
  }
}

void Splitter::TakeWhole() {
  int32_t spare = max_rows_;
  for (const int32_t i : ready_) {
    Stream& stream = streams_[i];
    stream.take = stream.left() <= spare ? stream.left() : 0;
    spare -= stream.take;
  }
}

void Splitter::Emit(const Batch& batch, UBatch& ubatch) {
  Clear(ubatch);
  // Any of the rows may be wanted the next time: grow with the rows, once.
  int32_t rows = 0;
  for (const int32_t i : ready_) rows += streams_[i].take;
  ubatch.wanted_rows.reserve(rows);
  ubatch.hidden_rows.reserve(rows);
  ubatch.scored_rows.reserve(rows);
  for (const int32_t i : ready_) {
    Stream& stream = streams_[i];
    if (stream.take == 0) continue;
    const Batch::Entry& first = batch[entries_[stream.next]];
    ubatch.owners.Add(
        std::span(owners_).subspan(stream.owners_begin, stream.owners()));
    ubatch.runs.push_back({.begin = ubatch.rows(),
                           .length = stream.take,
                           .first_position = first.position});
    ubatch.pooled.push_back(first.want == Want::kPooled);
    for (int32_t taken = 0; taken < stream.take; ++taken) {
      const int32_t index = entries_[stream.next++];
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
}

}  // namespace braid
