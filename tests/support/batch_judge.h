// The simplest judge of batches and of their ubatches, for tests: from what the
// headers promise, quadratic, and without anything of what it judges.
#ifndef BRAID_TESTS_SUPPORT_BATCH_JUDGE_H_
#define BRAID_TESTS_SUPPORT_BATCH_JUDGE_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "batch/ubatch.h"
#include "batch/validate.h"
#include "braid/batch.h"

namespace braid {

// Which sequences share which positions before a batch: as after random forks.
class RandomPast {
 public:
  // `below(n)` chooses from [0, n), `length()` a position.
  template <class Below, class Length>
  RandomPast(int sequences, Below below, Length length) {
    for (int s = 0; s < sequences; ++s) {
      shared_.emplace_back(sequences, 0);
      if (s == 0 || below(3) == 0) {
        lengths_.push_back(length());
        continue;
      }
      // Forked from an earlier one, which one of them may have left behind.
      const SequenceId parent = below(s);
      const Position at = below(4) == 0
                              ? std::min(lengths_[parent], Position{length()})
                              : lengths_[parent];
      for (SequenceId other = 0; other < s; ++other) {
        const Position common =
            other == parent ? at : std::min(at, shared_[parent][other]);
        shared_[s][other] = shared_[other][s] = common;
      }
      lengths_.push_back(below(4) == 0 ? std::max(at, Position{length()}) : at);
    }
  }

  std::span<const Position> lengths() const { return lengths_; }
  Position Shared(SequenceId a, SequenceId b) const { return shared_[a][b]; }

 private:
  std::vector<Position> lengths_;
  std::vector<std::vector<Position>> shared_;
};

// What ValidateBatch must say.
class BatchJudge {
 public:
  BatchJudge(const Batch& batch, const BatchLimits& limits)
      : batch_(batch),
        limits_(limits),
        sequences_(static_cast<SequenceId>(limits.next_positions.size())),
        entries_(limits.next_positions.size()) {}

  bool Accepts() {
    const int64_t tokens =
        batch_.size() + static_cast<int64_t>(batch_.encoder_tokens());
    if (tokens == 0 || tokens > limits_.max_tokens) return false;
    if (!AcceptsTexts()) return false;
    for (int i = 0; i < batch_.size(); ++i) {
      if (!AcceptsEntry(i)) return false;
      for (const SequenceId s : batch_.Sequences(i)) entries_[s].push_back(i);
    }
    return true;
  }

 private:
  bool KnowsToken(TokenId token) const {
    return token >= 0 && token < limits_.vocabulary_size;
  }

  bool IsSet(std::span<const SequenceId> set) const {
    if (set.empty()) return false;
    for (const SequenceId s : set) {
      if (s < 0 || s >= sequences_) return false;
      if (std::count(set.begin(), set.end(), s) != 1) return false;
    }
    return true;
  }

  // {is it in the batch, number}
  std::pair<bool, int32_t> TextOf(SequenceId sequence) const {
    const auto texts = batch_.encoder_texts();
    for (size_t i = 0; i < texts.size(); ++i) {
      for (const SequenceId s : batch_.Sequences(texts[i])) {
        if (s == sequence) return {true, static_cast<int32_t>(i)};
      }
    }
    return {false, limits_.encoder_texts[sequence]};
  }

  bool AcceptsTexts() const {
    std::vector<int> texts(static_cast<size_t>(sequences_), 0);
    for (const Batch::EncoderText& text : batch_.encoder_texts()) {
      if (limits_.encoder_texts.empty() || text.length == 0) return false;
      if (text.length > static_cast<size_t>(limits_.max_rows)) return false;
      if (!IsSet(batch_.Sequences(text))) return false;
      for (const SequenceId s : batch_.Sequences(text)) {
        if (limits_.next_positions[s] > 0 || ++texts[s] > 1) return false;
        if (limits_.encoder_texts[s] >= 0) return false;
      }
      for (const TokenId token : batch_.EncoderTokens(text)) {
        if (!KnowsToken(token)) return false;
      }
    }
    return true;
  }

  bool AcceptsEntry(int index) const {
    const Batch::Entry& entry = batch_[index];
    const auto set = batch_.Sequences(index);
    if (!KnowsToken(entry.token) || !IsSet(set)) return false;
    if (!AcceptsWant(index)) return false;
    for (const SequenceId s : set) {
      if (entry.position != Expected(s)) return false;
      if (limits_.positions > 0 && entry.position >= limits_.positions) {
        return false;
      }
      if (!AcceptsPooling(s, entry.want == Want::kPooled)) return false;
      if (s != set.front() && !ShareTheirPast(s, set.front())) return false;
      if (limits_.encoder_texts.empty()) continue;
      if (TextOf(s) == std::pair(false, BatchLimits::kNoText)) return false;
      if (TextOf(s) != TextOf(set.front())) return false;
    }
    return entry.position != std::numeric_limits<Position>::max();
  }

  int64_t Expected(SequenceId s) const {
    return limits_.next_positions[s] + std::ssize(entries_[s]);
  }

  bool ShareTheirPast(SequenceId a, SequenceId b) const {
    const Position length = limits_.next_positions[a];
    return limits_.next_positions[b] == length &&
           limits_.shared_positions(a, b) == length &&
           entries_[a] == entries_[b];
  }

  bool AcceptsPooling(SequenceId s, bool pooled) const {
    if (limits_.next_positions[s] > 0) {
      const bool before = !limits_.pooled.empty() && limits_.pooled[s] != 0;
      if (before != pooled) return false;
    }
    for (const int i : entries_[s]) {
      if ((batch_[i].want == Want::kPooled) != pooled) return false;
    }
    return true;
  }

  bool AcceptsWant(int index) const {
    const Want want = batch_[index].want;
    if (want == Want::kPooled && !limits_.pooling) return false;
    if (want == Want::kLogits && !limits_.logits) return false;
    if (want == Want::kScore) {
      if (!limits_.logits || !KnowsToken(batch_[index].target)) return false;
      for (const TokenId target : batch_.MoreTargets(index)) {
        if (!KnowsToken(target)) return false;
      }
    }
    if (!limits_.whole_sequences) return true;
    // No sequence of the set was anywhere else.
    const auto set = batch_.Sequences(index);
    for (const SequenceId s : set) {
      if (limits_.next_positions[s] > 0) return false;
      for (const int i : entries_[s]) {
        const auto other = batch_.Sequences(i);
        if (!std::is_permutation(set.begin(), set.end(), other.begin(),
                                 other.end())) {
          return false;
        }
      }
    }
    return true;
  }

  const Batch& batch_;
  const BatchLimits& limits_;
  SequenceId sequences_;
  std::vector<std::vector<int>> entries_;  // [sequences] those so far
};

// What a Splitter must have done with a valid batch, whatever its policy.
class SplitJudge {
 public:
  SplitJudge(const Batch& batch, std::span<const UBatch> ubatches, int max_rows)
      : batch_(batch),
        ubatches_(ubatches),
        max_rows_(max_rows),
        place_(static_cast<size_t>(batch.size())) {}

  Status Check() {
    for (size_t u = 0; u < ubatches_.size(); ++u) {
      BRAID_TRY(CheckSizes(ubatches_[u]));
      BRAID_TRY(Place(u));
    }
    for (const Row& row : place_) BRAID_TRY(Require(row.ubatch >= 0, "a row"));
    for (int i = 0; i < batch_.size(); ++i) BRAID_TRY(CheckOrder(i));
    return {};
  }

 private:
  struct Row {
    int ubatch = -1;
    int row = 0;
    int run = 0;
  };

  static Status Require(bool holds, const char* what) {
    if (holds) return {};
    return Error{Format("not as promised: {}", what)};
  }

  Status CheckSizes(const UBatch& ubatch) const {
    BRAID_TRY(Require(ubatch.rows() >= 1 && ubatch.rows() <= max_rows_,
                      "rows of a ubatch"));
    BRAID_TRY(Require(ubatch.positions.size() == ubatch.tokens.size() &&
                          ubatch.batch_index.size() == ubatch.tokens.size(),
                      "as many positions and indices as tokens"));
    return Require(ubatch.owners.runs() == ubatch.runs.size() &&
                       ubatch.pooled.size() == ubatch.runs.size(),
                   "owners of every run");
  }

  // Where the entries are; that the rows are what the entries were.
  Status Place(size_t u) {
    const UBatch& ubatch = ubatches_[u];
    std::vector<SequenceId> present;
    std::vector<int32_t> wanted;
    std::vector<int32_t> hidden;
    std::vector<int32_t> scored;
    int row = 0;
    for (size_t r = 0; r < ubatch.runs.size(); ++r) {
      const Run& run = ubatch.runs[r];
      BRAID_TRY(Require(run.begin == row && run.length >= 1, "runs in order"));
      BRAID_TRY(Require(run.source == kNoCell && run.destination == kNoCell,
                        "cells are for the memory"));
      const auto owners = ubatch.owners[r];
      present.insert(present.end(), owners.begin(), owners.end());
      for (int j = 0; j < run.length; ++j, ++row) {
        const int32_t index = ubatch.batch_index[row];
        const Batch::Entry& entry = batch_[index];
        BRAID_TRY(Require(place_[index].ubatch < 0, "an entry is in one row"));
        place_[index] = {static_cast<int>(u), row, static_cast<int>(r)};
        BRAID_TRY(Require(entry.token == ubatch.tokens[row], "tokens"));
        BRAID_TRY(Require(entry.position == ubatch.positions[row] &&
                              entry.position == run.first_position + j,
                          "positions"));
        BRAID_TRY(Require(Sorted(batch_.Sequences(index)) ==
                              std::vector(owners.begin(), owners.end()),
                          "owners are the entry's sequences, ascending"));
        BRAID_TRY(
            Require((entry.want == Want::kPooled) == (ubatch.pooled[r] != 0),
                    "pooled"));
        if (entry.want == Want::kLogits) wanted.push_back(row);
        if (entry.want == Want::kHidden) hidden.push_back(row);
        if (entry.want == Want::kScore) scored.push_back(row);
      }
    }
    BRAID_TRY(Require(row == ubatch.rows(), "runs cover the rows"));
    BRAID_TRY(Require(wanted == ubatch.wanted_rows, "wanted rows"));
    BRAID_TRY(Require(hidden == ubatch.hidden_rows, "hidden rows"));
    BRAID_TRY(Require(scored == ubatch.scored_rows, "scored rows"));
    std::sort(present.begin(), present.end());
    return Require(
        std::adjacent_find(present.begin(), present.end()) == present.end(),
        "a sequence has one run in a ubatch");
  }

  // An entry is the row behind its sequences' previous one, or in a later
  // ubatch than that.
  Status CheckOrder(int index) const {
    const Row& here = place_[index];
    for (const SequenceId s : batch_.Sequences(index)) {
      const int before = Previous(index, s);
      if (before < 0) continue;
      const Row& there = place_[before];
      const bool next_row = there.ubatch == here.ubatch &&
                            there.run == here.run && there.row + 1 == here.row;
      BRAID_TRY(Require(next_row || there.ubatch < here.ubatch,
                        "position order, and what is shared comes before"));
    }
    return {};
  }

  int Previous(int index, SequenceId sequence) const {
    for (int i = index - 1; i >= 0; --i) {
      const auto set = batch_.Sequences(i);
      if (std::find(set.begin(), set.end(), sequence) != set.end()) return i;
    }
    return -1;
  }

  static std::vector<SequenceId> Sorted(std::span<const SequenceId> set) {
    std::vector<SequenceId> sorted(set.begin(), set.end());
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }

  const Batch& batch_;
  std::span<const UBatch> ubatches_;
  int max_rows_;
  std::vector<Row> place_;  // [entries]
};

}  // namespace braid

#endif  // BRAID_TESTS_SUPPORT_BATCH_JUDGE_H_
