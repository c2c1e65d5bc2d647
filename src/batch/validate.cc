#include "batch/validate.h"

#include <limits>

#include "base/format.h"
#include "base/try.h"

namespace braid {

namespace {

// One less than the largest, so that the position after it can be written.
constexpr Position kLastPosition = std::numeric_limits<Position>::max() - 1;

Status ValidateEntry(const Batch::Entry& entry, int index, int vocabulary_size,
                     std::span<const Position> expected) {
  if (entry.token < 0 || entry.token >= vocabulary_size) {
    return Error{
        Format("batch entry {}: token {}, the vocabulary has {} "
               "tokens",
               index, entry.token, vocabulary_size)};
  }
  const int sequences = static_cast<int>(expected.size());
  if (entry.sequence < 0 || entry.sequence >= sequences) {
    return Error{
        Format("batch entry {}: sequence {}, there are {} sequences, "
               "numbered from 0 (-np)",
               index, entry.sequence, sequences)};
  }
  if (entry.position != expected[entry.sequence]) {
    return Error{Format(
        "batch entry {}: position {} of sequence {}, expected "
        "{}",
        index, entry.position, entry.sequence, expected[entry.sequence])};
  }
  if (entry.position > kLastPosition) {
    return Error{
        Format("batch entry {}: position {} of sequence {}, the last "
               "possible one is {}",
               index, entry.position, entry.sequence, kLastPosition)};
  }
  return {};
}

}  // namespace

Status ValidateBatch(const Batch& batch, const BatchLimits& limits,
                     BatchScratch& scratch) {
  if (batch.size() == 0) return Error{"the batch is empty"};
  if (batch.size() > limits.max_tokens) {
    return Error{
        Format("the batch has {} tokens, at most {} are allowed: "
               "raise -b",
               batch.size(), limits.max_tokens)};
  }
  std::vector<Position>& expected = scratch.expected;
  expected.assign(limits.next_positions.begin(), limits.next_positions.end());
  for (int i = 0; i < batch.size(); ++i) {
    BRAID_TRY(ValidateEntry(batch[i], i, limits.vocabulary_size, expected));
    ++expected[batch[i].sequence];
  }
  return {};
}

}  // namespace braid
