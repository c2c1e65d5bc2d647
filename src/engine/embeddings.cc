#include "engine/embeddings.h"

#include <algorithm>

#include "base/check.h"

namespace braid {

namespace {
constexpr int32_t kNoText = -1;
}  // namespace

void Embeddings::Begin(const Batch& batch) {
  std::fill(text_of_.begin(), text_of_.end(), kNoText);
  texts_.clear();
  for (int i = 0; i < batch.size(); ++i) {
    if (batch[i].want != Want::kPooled) continue;
    const size_t sequence = static_cast<size_t>(batch[i].sequence);
    if (sequence >= text_of_.size()) text_of_.resize(sequence + 1, kNoText);
    if (text_of_[sequence] == kNoText) {
      text_of_[sequence] = static_cast<int32_t>(texts_.size());
      texts_.push_back({});
    }
    ++texts_[text_of_[sequence]].length;
  }
  const size_t values = texts_.size() * static_cast<size_t>(width_);
  rows_.resize(values);
  if (pooling_ == Pooling::kMean) sums_.assign(values, 0.0);
}

Embeddings::Needed Embeddings::RowsNeeded(SequenceId sequence,
                                          Position position,
                                          int32_t count) const {
  const Text* text = Find(sequence);
  BRAID_CHECK(text != nullptr);
  const int32_t last = text->length - 1 - position;  // among these rows
  switch (pooling_) {
    case Pooling::kNone:
      return {};
    case Pooling::kMean:
      return {0, count};
    case Pooling::kFirst:
    case Pooling::kRank:
      return {0, position == 0 ? 1 : 0};
    case Pooling::kLast:
      return last < count ? Needed{last, last + 1} : Needed{};
  }
  return {};
}

void Embeddings::Add(SequenceId sequence, ConstRows hidden) {
  const Text& text = Known(sequence);
  BRAID_CHECK(hidden.width == width_);
  if (pooling_ != Pooling::kMean) {
    BRAID_CHECK(hidden.rows == 1);
    std::copy_n(hidden.row(0), width_, rows_.data() + OffsetOf(text));
    return;
  }
  double* sums = sums_.data() + OffsetOf(text);
  for (int64_t m = 0; m < hidden.rows; ++m) {
    for (int64_t i = 0; i < width_; ++i) sums[i] += hidden.row(m)[i];
  }
}

void Embeddings::Advance(SequenceId sequence, int32_t count) {
  Text& text = Known(sequence);
  text.done += count;
  BRAID_CHECK(text.done <= text.length);
  if (pooling_ != Pooling::kMean || text.done < text.length) return;
  const double* sums = sums_.data() + OffsetOf(text);
  float* row = rows_.data() + OffsetOf(text);
  for (int64_t i = 0; i < width_; ++i) {
    row[i] = static_cast<float>(sums[i] / text.length);
  }
}

std::span<const float> Embeddings::Embedding(SequenceId sequence) const {
  const Text* text = Find(sequence);
  if (text == nullptr || text->done < text->length) return {};
  return std::span(rows_).subspan(OffsetOf(*text), static_cast<size_t>(width_));
}

const Embeddings::Text* Embeddings::Find(SequenceId sequence) const {
  if (sequence < 0 || sequence >= static_cast<SequenceId>(text_of_.size())) {
    return nullptr;
  }
  const int32_t text = text_of_[sequence];
  return text == kNoText ? nullptr : &texts_[text];
}

Embeddings::Text& Embeddings::Known(SequenceId sequence) {
  const Text* text = Find(sequence);
  BRAID_CHECK(text != nullptr);
  return texts_[static_cast<size_t>(text - texts_.data())];
}

}  // namespace braid
