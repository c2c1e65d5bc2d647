#include "batch/validate.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "base/try.h"

namespace braid {

namespace {

// One less than the largest, so that the position after it can be written.
constexpr Position kLastPosition = std::numeric_limits<Position>::max() - 1;

Status CheckToken(const Batch::Entry& entry, int index,
                  const BatchLimits& limits) {
  if (entry.token >= 0 && entry.token < limits.vocabulary_size) return {};
  return Error{Format("batch entry {}: token {}, the vocabulary has {} tokens",
                      index, entry.token, limits.vocabulary_size)};
}

// `named` holds the number of the last set in which each sequence was named;
// this one's is `set`. `what` is "batch entry" or "encoder text".
Status CheckSet(std::span<const SequenceId> set, std::string_view what,
                int index, int32_t number, std::vector<int32_t>& named) {
  if (set.empty()) return Error{Format("{} {}: no sequence", what, index)};
  const int sequences = static_cast<int>(named.size());
  for (const SequenceId sequence : set) {
    if (sequence < 0 || sequence >= sequences) {
      return Error{
          Format("{} {}: sequence {}, there are {} sequences, "
                 "numbered from 0 (-np)",
                 what, index, sequence, sequences)};
    }
    if (named[sequence] == number) {
      return Error{
          Format("{} {}: sequence {} is named twice", what, index, sequence)};
    }
    named[sequence] = number;
  }
  return {};
}

Status CheckPosition(SequenceId sequence, Position position, int index,
                     const BatchLimits& limits, Position expected) {
  if (position != expected) {
    return Error{
        Format("batch entry {}: position {} of sequence {}, expected {}", index,
               position, sequence, expected)};
  }
  const Position last =
      limits.positions > 0 ? limits.positions - 1 : kLastPosition;
  if (position > last) {
    return Error{
        Format("batch entry {}: position {} of sequence {}, the last "
               "possible one is {}",
               index, position, sequence, last)};
  }
  return {};
}

bool Contains(std::span<const SequenceId> set, SequenceId sequence) {
  return std::find(set.begin(), set.end(), sequence) != set.end();
}

// The first position that a and b do not share, before batch entry `index`.
Position DivergedAt(const Batch& batch, int index, const BatchLimits& limits,
                    SequenceId a, SequenceId b) {
  const Position shared = limits.shared_positions(a, b);
  if (shared < std::max(limits.next_positions[a], limits.next_positions[b])) {
    return shared;
  }
  int entry = 0;
  while (entry < index && Contains(batch.Sequences(entry), a) ==
                              Contains(batch.Sequences(entry), b)) {
    ++entry;
  }
  return batch[entry].position;
}

// Sequences whose last entry in the batch is the same one share what is before
// it, or that entry was refused.
Status CheckSharedPast(const Batch& batch, int index, const BatchLimits& limits,
                       std::span<const int32_t> last) {
  const auto set = batch.Sequences(index);
  const SequenceId first = set.front();
  for (const SequenceId other : set.subspan(1)) {
    const bool shared =
        last[first] == last[other] &&
        (last[first] >= 0 ||
         limits.shared_positions(first, other) == limits.next_positions[first]);
    if (shared) continue;
    return Error{Format(
        "batch entry {}: sequences {} and {} have diverged at position "
        "{}: only what was forked or given together can get tokens "
        "together",
        index, first, other, DivergedAt(batch, index, limits, first, other))};
  }
  return {};
}

Status CheckTexts(std::span<const SequenceId> set, int index,
                  std::span<const int32_t> texts) {
  for (const SequenceId sequence : set) {
    if (texts[sequence] == BatchLimits::kNoText) {
      return Error{
          Format("batch entry {}: sequence {} has no encoder text: add one "
                 "with AddEncoder",
                 index, sequence)};
    }
    if (texts[sequence] != texts[set.front()]) {
      return Error{
          Format("batch entry {}: sequences {} and {} look at different "
                 "encoder texts",
                 index, set.front(), sequence)};
    }
  }
  return {};
}

Status CheckTargets(const Batch& batch, int index, const BatchLimits& limits) {
  const size_t more = batch.MoreTargets(index).size();
  if (!std::cmp_equal(more, batch[index].more_targets_count)) {
    return Error{
        Format("batch entry {}: {} targets from number {} on are not among "
               "those of the batch",
               index, batch[index].more_targets_count,
               batch[index].more_targets_begin)};
  }
  const auto check = [&](TokenId target) -> Status {
    if (target >= 0 && target < limits.vocabulary_size) return {};
    return Error{
        Format("batch entry {}: target {}, the vocabulary has {} tokens", index,
               target, limits.vocabulary_size)};
  };
  BRAID_TRY(check(batch[index].target));
  for (const TokenId target : batch.MoreTargets(index)) {
    BRAID_TRY(check(target));
  }
  return {};
}

Status CheckWant(const Batch& batch, int index, const BatchLimits& limits) {
  const Want want = batch[index].want;
  if (want > Want::kScore) {
    return Error{Format("batch entry {}: want {} is not in [0, {}]", index,
                        want, Want::kScore)};
  }
  if ((want == Want::kLogits || want == Want::kScore) && !limits.logits) {
    return Error{
        Format("batch entry {}: logits are wanted, the model has no output "
               "matrix: ask for the hidden row or for pooling",
               index)};
  }
  if (want == Want::kScore) BRAID_TRY(CheckTargets(batch, index, limits));
  if (want == Want::kPooled && !limits.pooling) {
    return Error{
        Format("batch entry {}: pooling is wanted, the model's file names no "
               "kind: choose one (--pooling)",
               index)};
  }
  return {};
}

// A text that is read whole has one set from its first token to its last.
Status CheckWholeSequence(const Batch& batch, int index,
                          const BatchLimits& limits,
                          std::span<const int32_t> last) {
  const auto set = batch.Sequences(index);
  for (const SequenceId sequence : set) {
    const Position begun = limits.next_positions[sequence];
    if (begun > 0) {
      return Error{
          Format("batch entry {}: sequence {} holds {} tokens already, and the "
                 "model reads a text only as a whole: remove the sequence "
                 "first",
                 index, sequence, begun)};
    }
  }
  const int32_t before = last[set.front()];
  if (before >= 0 && batch.Sequences(before).size() != set.size()) {
    return Error{
        Format("batch entry {}: {} sequences, entry {} of the same text has "
               "{}, and the model reads a text only as a whole",
               index, set.size(), before, batch.Sequences(before).size())};
  }
  return {};
}

Status CheckPooled(const Batch& batch, int index,
                   std::span<const Position> expected,
                   std::vector<uint8_t>& pooled) {
  const uint8_t wanted = batch[index].want == Want::kPooled ? 1 : 0;
  for (const SequenceId sequence : batch.Sequences(index)) {
    if (expected[sequence] > 0 && pooled[sequence] != wanted) {
      return Error{Format(
          "batch entry {}: {}, and the {} tokens before it of sequence {} "
          "{}: a sequence is pooled from its first token on or not at all",
          index, wanted != 0 ? "pooling is wanted" : "no pooling is wanted",
          expected[sequence], sequence,
          wanted != 0 ? "were not pooled" : "were pooled")};
    }
    pooled[sequence] = wanted;
  }
  return {};
}

Status ValidateEncoderText(const Batch& batch, int index,
                           const BatchLimits& limits, BatchScratch& scratch) {
  const Batch::EncoderText& text = batch.encoder_texts()[index];
  if (limits.encoder_texts.empty()) {
    return Error{Format(
        "encoder text {}: the model has no encoder beside a decoder", index)};
  }
  const auto set = batch.Sequences(text);
  // Numbers behind those of the entries.
  BRAID_TRY(CheckSet(set, "encoder text", index, batch.size() + index,
                     scratch.named));
  for (const SequenceId sequence : set) {
    if (scratch.texts[sequence] != BatchLimits::kNoText ||
        limits.next_positions[sequence] > 0) {
      return Error{
          Format("encoder text {}: sequence {} is not empty or has a text "
                 "already: remove it first",
                 index, sequence)};
    }
    // Unlike those of the limits, and unlike kNoText.
    scratch.texts[sequence] = BatchLimits::kNoText - 1 - index;
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
  return {};
}

Status ValidateEntry(const Batch& batch, int index, const BatchLimits& limits,
                     BatchScratch& scratch) {
  const Batch::Entry& entry = batch[index];
  const auto set = batch.Sequences(index);
  BRAID_TRY(CheckToken(entry, index, limits));
  BRAID_TRY(CheckSet(set, "batch entry", index, index, scratch.named));
  for (const SequenceId sequence : set) {
    BRAID_TRY(CheckPosition(sequence, entry.position, index, limits,
                            scratch.expected[sequence]));
  }
  BRAID_TRY(CheckSharedPast(batch, index, limits, scratch.last));
  if (!limits.encoder_texts.empty()) {
    BRAID_TRY(CheckTexts(set, index, scratch.texts));
  }
  BRAID_TRY(CheckWant(batch, index, limits));
  if (limits.whole_sequences) {
    BRAID_TRY(CheckWholeSequence(batch, index, limits, scratch.last));
  }
  BRAID_TRY(CheckPooled(batch, index, scratch.expected, scratch.pooled));
  for (const SequenceId sequence : set) {
    ++scratch.expected[sequence];
    scratch.last[sequence] = index;
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
  const size_t sequences = limits.next_positions.size();
  scratch.expected.assign(limits.next_positions.begin(),
                          limits.next_positions.end());
  scratch.last.assign(sequences, -1);
  scratch.named.assign(sequences, -1);
  scratch.texts.assign(limits.encoder_texts.begin(),
                       limits.encoder_texts.end());
  scratch.texts.resize(sequences, BatchLimits::kNoText);
  scratch.pooled.assign(limits.pooled.begin(), limits.pooled.end());
  scratch.pooled.resize(sequences, 0);
  const int texts = static_cast<int>(batch.encoder_texts().size());
  for (int i = 0; i < texts; ++i) {
    BRAID_TRY(ValidateEncoderText(batch, i, limits, scratch));
  }
  for (int i = 0; i < batch.size(); ++i) {
    BRAID_TRY(ValidateEntry(batch, i, limits, scratch));
  }
  return {};
}

}  // namespace braid
