#include "batch/validate.h"

#include <limits>

#include "base/format.h"
#include "base/try.h"

namespace braid {

namespace {

// One less than the largest, so that the position after it can be written.
constexpr Position kLastPosition = std::numeric_limits<Position>::max() - 1;

Status ValidateEntry(const Batch::Entry& entry, int index,
                     const BatchLimits& limits,
                     std::span<const Position> expected) {
  if (entry.token < 0 || entry.token >= limits.vocabulary_size) {
    return Error{
        Format("batch entry {}: token {}, the vocabulary has {} "
               "tokens",
               index, entry.token, limits.vocabulary_size)};
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
  const Position last =
      limits.positions > 0 ? limits.positions - 1 : kLastPosition;
  if (entry.position > last) {
    return Error{
        Format("batch entry {}: position {} of sequence {}, the last "
               "possible one is {}",
               index, entry.position, entry.sequence, last)};
  }
  return {};
}

Status ValidateEncoderText(const Batch& batch, int index,
                           const BatchLimits& limits,
                           std::vector<uint8_t>& encoded) {
  const Batch::EncoderText& text = batch.encoder_texts()[index];
  if (limits.encoder_lengths.empty()) {
    return Error{Format(
        "encoder text {}: the model has no encoder beside a decoder", index)};
  }
  const int sequences = static_cast<int>(encoded.size());
  if (text.sequence < 0 || text.sequence >= sequences) {
    return Error{
        Format("encoder text {}: sequence {}, there are {} sequences, "
               "numbered from 0 (-np)",
               index, text.sequence, sequences)};
  }
  if (encoded[text.sequence] != 0 || limits.next_positions[text.sequence] > 0) {
    return Error{
        Format("encoder text {}: sequence {} is not empty or has a text "
               "already: remove it first",
               index, text.sequence)};
  }
  if (text.length == 0) return Error{Format("encoder text {} is empty", index)};
  if (text.length > static_cast<size_t>(limits.max_rows)) {
    return Error{
        Format("encoder text {} has {} tokens that must not be cut, a ubatch "
               "holds {}: raise -ub",
               index, text.length, limits.max_rows)};
  }
  for (const TokenId token : batch.EncoderTokens(text)) {
    if (token >= 0 && token < limits.vocabulary_size) continue;
    return Error{
        Format("encoder text {}: token {}, the vocabulary has {} tokens", index,
               token, limits.vocabulary_size)};
  }
  encoded[text.sequence] = 1;
  return {};
}

Status ValidateWant(const Batch::Entry& entry, int index,
                    const BatchLimits& limits, uint8_t& seen) {
  const bool scored = entry.want == Want::kScore;
  if ((entry.want == Want::kLogits || scored) && !limits.logits) {
    return Error{
        Format("batch entry {}: logits are wanted, the model has no output "
               "matrix: ask for the hidden row or for pooling",
               index)};
  }
  if (scored && (entry.target < 0 || entry.target >= limits.vocabulary_size)) {
    return Error{
        Format("batch entry {}: target {}, the vocabulary has {} tokens", index,
               entry.target, limits.vocabulary_size)};
  }
  const Position begun = limits.next_positions[entry.sequence];
  if (limits.whole_sequences && begun > 0) {
    return Error{
        Format("batch entry {}: sequence {} holds {} tokens already, and the "
               "model reads a text only as a whole: remove the sequence first",
               index, entry.sequence, begun)};
  }
  const bool pooled = entry.want == Want::kPooled;
  if (pooled && !limits.pooling) {
    return Error{
        Format("batch entry {}: pooling is wanted, the model's file names no "
               "kind: choose one (--pooling)",
               index)};
  }
  if (pooled && begun > 0) {
    return Error{
        Format("batch entry {}: pooling of sequence {}, which holds {} tokens "
               "from earlier calls: a text is pooled in one batch",
               index, entry.sequence, begun)};
  }
  constexpr uint8_t kPooledBefore = 1;
  constexpr uint8_t kOtherBefore = 2;
  seen |= pooled ? kPooledBefore : kOtherBefore;
  if (seen == (kPooledBefore | kOtherBefore)) {
    return Error{
        Format("batch entry {}: some tokens of sequence {} are pooled and some "
               "are not",
               index, entry.sequence)};
  }
  return {};
}

}  // namespace

Status ValidateBatch(const Batch& batch, const BatchLimits& limits,
                     BatchScratch& scratch) {
  const size_t tokens =
      static_cast<size_t>(batch.size()) + batch.encoder_tokens();
  if (tokens == 0) return Error{"the batch is empty"};
  if (static_cast<int64_t>(tokens) > limits.max_tokens) {
    return Error{
        Format("the batch has {} tokens, at most {} are allowed: "
               "raise -b",
               tokens, limits.max_tokens)};
  }
  scratch.encoded.assign(limits.next_positions.size(), 0);
  for (size_t i = 0; i < limits.encoder_lengths.size(); ++i) {
    scratch.encoded[i] = limits.encoder_lengths[i] > 0;
  }
  const int texts = static_cast<int>(batch.encoder_texts().size());
  for (int i = 0; i < texts; ++i) {
    BRAID_TRY(ValidateEncoderText(batch, i, limits, scratch.encoded));
  }
  std::vector<Position>& expected = scratch.expected;
  expected.assign(limits.next_positions.begin(), limits.next_positions.end());
  scratch.seen.assign(limits.next_positions.size(), 0);
  for (int i = 0; i < batch.size(); ++i) {
    BRAID_TRY(ValidateEntry(batch[i], i, limits, expected));
    if (!limits.encoder_lengths.empty() &&
        scratch.encoded[batch[i].sequence] == 0) {
      return Error{
          Format("batch entry {}: sequence {} has no encoder text: add one "
                 "with AddEncoder",
                 i, batch[i].sequence)};
    }
    BRAID_TRY(
        ValidateWant(batch[i], i, limits, scratch.seen[batch[i].sequence]));
    ++expected[batch[i].sequence];
  }
  return {};
}

}  // namespace braid
