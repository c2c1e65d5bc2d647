#include "engine/check_saved_state.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "engine/state_bytes.h"
#include "memory/checked_size.h"

namespace braid {

namespace {

class Checker {
 public:
  Checker(const SavedState& state, const SavedStateBounds& bounds)
      : state_(state), bounds_(bounds), sets_(PageSetsOf(bounds.spec)) {
    for (const LayerSpec& layer : bounds.spec.layers) {
      recurrent_ |= layer.recurrent();
    }
  }

  Status Check(const SectionSizes& sizes);

 private:
  Status CheckCounts() const;
  Status CheckTexts() const;
  Status CheckSequence(int32_t index) const;
  Status CheckTokens(const SavedSequence& sequence) const;
  Status CheckLineage(int32_t index) const;
  Status CheckCarried(const SavedSequence& sequence) const;
  Status CheckRows(const SavedSequence& sequence, const PooledRows& rows) const;
  Status CheckCells(const SavedSequence& sequence) const;
  Status CheckPages(const SavedSequence& sequence, size_t set) const;
  Status CheckSharedPages(size_t set) const;
  Status CheckText(const SavedSequence& sequence) const;
  Status CheckSizes(const SectionSizes& sizes) const;

  const SavedState& state_;
  const SavedStateBounds& bounds_;
  const std::vector<PageSet> sets_;
  bool recurrent_ = false;
};

Status CheckSection(const char* name, size_t bytes, const CheckedSize& needed) {
  if (needed.value() == bytes) return {};
  return Error{
      Format("section {} of the saved state has {} bytes, what it "
             "should hold needs {}",
             name, bytes,
             needed.value().value_or(std::numeric_limits<size_t>::max()))};
}

Status Checker::Check(const SectionSizes& sizes) {
  BRAID_TRY(CheckCounts());
  BRAID_TRY(CheckTexts());
  for (size_t i = 0; i < state_.sequences.size(); ++i) {
    BRAID_TRY(CheckSequence(static_cast<int32_t>(i)));
  }
  for (size_t set = 0; set < sets_.size(); ++set) {
    BRAID_TRY(CheckSharedPages(set));
  }
  return CheckSizes(sizes);
}

// Nothing is allocated for cells and pages that no sequence has.
Status Checker::CheckCounts() const {
  constexpr auto kPoolings = static_cast<int>(Pooling::kRank) + 1;
  const int pooling = static_cast<int>(state_.pooling);
  if (pooling < 0 || pooling >= kPoolings) {
    return Error{Format("pooling {} of the saved state is not in [0, {}]",
                        pooling, kPoolings - 1)};
  }
  if (state_.pages.size() != sets_.size()) {
    return Error{Format("the saved state has {} sets of pages, expected {}",
                        state_.pages.size(), sets_.size())};
  }
  size_t cells = 0;
  std::vector<size_t> pages(sets_.size(), 0);
  for (const SavedSequence& sequence : state_.sequences) {
    if (sequence.pages.size() != sets_.size()) {
      return Error{Format("saved sequence {} has {} sets of pages, expected {}",
                          sequence.id, sequence.pages.size(), sets_.size())};
    }
    cells += 1 + sequence.checkpoints.size();
    for (size_t set = 0; set < sets_.size(); ++set) {
      pages[set] += sequence.pages[set].pages.size();
    }
  }
  const auto check = [](const char* what, int32_t count, size_t most) {
    if (count >= 0 && static_cast<size_t>(count) <= most) return Status();
    return Status(
        Error{Format("the saved state has {} {}, its sequences have {}", count,
                     what, most)});
  };
  BRAID_TRY(check("cells", state_.cells, cells));
  for (size_t set = 0; set < sets_.size(); ++set) {
    BRAID_TRY(check("pages", state_.pages[set], pages[set]));
  }
  return {};
}

Status CheckIds(const std::string& whose, const std::vector<TokenId>& tokens,
                int vocabulary_size) {
  constexpr size_t kMost = std::numeric_limits<Position>::max();
  if (tokens.size() > kMost) {
    return Error{Format("{} has {} tokens, at most {} can be numbered", whose,
                        tokens.size(), kMost)};
  }
  for (const TokenId token : tokens) {
    if (token >= 0 && token < vocabulary_size) continue;
    return Error{Format("{} has token {}, the vocabulary has {}", whose, token,
                        vocabulary_size)};
  }
  return {};
}

Status Checker::CheckTexts() const {
  if (!state_.texts.empty() && !bounds_.traits.encoder) {
    return Error{
        Format("the saved state has {} encoder texts, the model has "
               "no encoder",
               state_.texts.size())};
  }
  for (size_t i = 0; i < state_.texts.size(); ++i) {
    const std::string whose = Format("saved encoder text {}", i);
    if (state_.texts[i].empty()) return Error{Format("{} is empty", whose)};
    BRAID_TRY(CheckIds(whose, state_.texts[i], bounds_.vocabulary_size));
  }
  return {};
}

Status Checker::CheckSequence(int32_t index) const {
  const SavedSequence& sequence = state_.sequences[index];
  const SequenceId before = index == 0 ? -1 : state_.sequences[index - 1].id;
  if (sequence.id <= before) {
    return Error{
        Format("saved sequence {} follows sequence {}: ids must "
               "ascend from 0",
               sequence.id, before)};
  }
  BRAID_TRY(CheckTokens(sequence));
  BRAID_TRY(CheckLineage(index));
  BRAID_TRY(CheckCarried(sequence));
  BRAID_TRY(CheckCells(sequence));
  for (size_t set = 0; set < sets_.size(); ++set) {
    BRAID_TRY(CheckPages(sequence, set));
  }
  return CheckText(sequence);
}

Status Checker::CheckTokens(const SavedSequence& sequence) const {
  BRAID_TRY(CheckIds(Format("saved sequence {}", sequence.id),
                     sequence.carried.tokens, bounds_.vocabulary_size));
  const int most = bounds_.traits.positions;
  if (most == 0 || sequence.length() <= most) return {};
  return Error{Format("saved sequence {} has {} positions, the model has {}",
                      sequence.id, sequence.length(), most)};
}

Status Checker::CheckLineage(int32_t index) const {
  const SavedSequence& sequence = state_.sequences[index];
  if (sequence.parent == kNotSaved && sequence.shared == 0) return {};
  if (sequence.parent < 0 || sequence.parent >= index) {
    return Error{
        Format("saved sequence {} shares {} positions with number {} "
               "of the {} before it",
               sequence.id, sequence.shared, sequence.parent, index)};
  }
  const SavedSequence& parent = state_.sequences[sequence.parent];
  const Position most = std::min(sequence.length(), parent.length());
  if (sequence.shared < 1 || sequence.shared > most) {
    return Error{
        Format("saved sequence {} shares {} positions with sequence "
               "{}, at most {} are possible",
               sequence.id, sequence.shared, parent.id, most)};
  }
  const auto& tokens = sequence.carried.tokens;
  const auto [ours, theirs] =
      std::mismatch(tokens.begin(), tokens.begin() + sequence.shared,
                    parent.carried.tokens.begin());
  if (ours != tokens.begin() + sequence.shared) {
    return Error{Format(
        "saved sequences {} and {} share {} positions, but position {} is "
        "token {} and {}",
        sequence.id, parent.id, sequence.shared, ours - tokens.begin(), *ours,
        *theirs)};
  }
  if (sequence.text == parent.text) return {};
  return Error{
      Format("saved sequences {} and {} share positions, but have "
             "encoder texts {} and {}",
             sequence.id, parent.id, sequence.text, parent.text)};
}

Status Checker::CheckCarried(const SavedSequence& sequence) const {
  const Carried& carried = sequence.carried;
  const auto width = static_cast<size_t>(bounds_.width);
  const size_t row = carried.last_row.size();
  if (row != 0 && (row != width || sequence.length() == 0)) {
    return Error{
        Format("saved sequence {} has a last row of {} values, "
               "expected 0 or {}",
               sequence.id, row, width)};
  }
  const bool none = state_.pooling == Pooling::kNone || sequence.length() == 0;
  if (carried.pooled && none) {
    return Error{
        Format("saved sequence {} of {} tokens is pooled, which "
               "pooling {} does not do",
               sequence.id, sequence.length(), state_.pooling)};
  }
  BRAID_TRY(CheckRows(sequence, carried.rows));
  Position before = 0;
  for (const Carried::Mark& mark : carried.marks) {
    if (mark.position <= before || mark.position > sequence.length() ||
        !carried.pooled) {
      return Error{Format(
          "saved sequence {} of {} tokens has pooled rows of position {} "
          "behind position {}",
          sequence.id, sequence.length(), mark.position, before)};
    }
    BRAID_TRY(CheckRows(sequence, mark.rows));
    before = mark.position;
  }
  return {};
}

Status Checker::CheckRows(const SavedSequence& sequence,
                          const PooledRows& rows) const {
  const auto check = [&](const char* what, size_t size, size_t expected,
                         bool may_be_empty) {
    if (size == expected || (may_be_empty && size == 0)) return Status();
    return Status(
        Error{Format("saved sequence {} has {} of {} values, "
                     "expected {}",
                     sequence.id, what, size, expected)});
  };
  const bool pooled = sequence.carried.pooled;
  const bool mean = state_.pooling == Pooling::kMean;
  const auto width = static_cast<size_t>(bounds_.width);
  const auto classes = static_cast<size_t>(bounds_.traits.classes);
  const size_t values = state_.pooling == Pooling::kRank ? classes : width;
  BRAID_TRY(check("pooled sums", rows.sums.size(), pooled && mean ? width : 0,
                  false));
  return check("an embedding", rows.embedding.size(), pooled ? values : 0,
               !mean);
}

Status Checker::CheckCells(const SavedSequence& sequence) const {
  const bool has = recurrent_ && sequence.length() > 0;
  const auto in_range = [&](int32_t cell) {
    return has ? cell >= 0 && cell < state_.cells : cell == kNotSaved;
  };
  if (!in_range(sequence.cell)) {
    return Error{Format("saved sequence {} of {} tokens has cell {} of {}",
                        sequence.id, sequence.length(), sequence.cell,
                        state_.cells)};
  }
  Position before = 0;
  for (const SavedCheckpoint& checkpoint : sequence.checkpoints) {
    if (!has || !in_range(checkpoint.cell)) {
      return Error{Format("a checkpoint of saved sequence {} has cell {} of {}",
                          sequence.id, checkpoint.cell, state_.cells)};
    }
    if (checkpoint.position <= before ||
        checkpoint.position > sequence.length()) {
      return Error{
          Format("saved sequence {} of {} tokens has a checkpoint at "
                 "position {} behind one at {}",
                 sequence.id, sequence.length(), checkpoint.position, before)};
    }
    before = checkpoint.position;
  }
  return {};
}

Status Checker::CheckPages(const SavedSequence& sequence, size_t set) const {
  const SavedPages& saved = sequence.pages[set];
  const PageSet& pages = sets_[set];
  const Position length = sequence.length();
  const bool none = saved.first == length && saved.pages.empty();
  // What the next token's query sees.
  const Position seen =
      pages.window == 0 ? 0 : std::max(0, length - pages.window + 1);
  const Position latest = pages.log ? length : seen;
  if (saved.first < 0 || saved.first > latest ||
      (!pages.log && !none && saved.first % pages.positions != 0)) {
    return Error{
        Format("saved sequence {} of {} tokens keeps page set {} from "
               "position {} on, which must be a page's first, at most "
               "{}",
               sequence.id, length, set, saved.first, latest)};
  }
  const int32_t first = saved.first / pages.positions;
  const auto expected =
      static_cast<size_t>(none ? 0 : PagesFor(pages, length) - first);
  if (saved.pages.size() != expected) {
    return Error{Format(
        "saved sequence {} of {} tokens has {} pages in set {} "
        "from position {} on, expected {}",
        sequence.id, length, saved.pages.size(), set, saved.first, expected)};
  }
  for (const int32_t page : saved.pages) {
    if (page >= 0 && page < state_.pages[set]) continue;
    return Error{Format("saved sequence {} has page {} of {} in set {}",
                        sequence.id, page, state_.pages[set], set)};
  }
  return {};
}

// What several sequences share must be one page: the memory has room for no
// more.
Status Checker::CheckSharedPages(size_t set) const {
  const int positions = sets_[set].positions;
  const auto lineage = FirstOfLineage(state_, positions);
  // By the first sequence of the lineage, and the page's place.
  std::map<std::pair<int32_t, size_t>, int32_t> known;
  for (size_t i = 0; i < lineage.size(); ++i) {
    const SavedSequence& sequence = state_.sequences[i];
    const SavedPages& saved = sequence.pages[set];
    const auto first = static_cast<size_t>(saved.first / positions);
    for (size_t place = first;
         place < lineage[i].size() && !saved.pages.empty(); ++place) {
      const int32_t page = saved.pages[place - first];
      // A log that begins inside a page has the page for itself.
      if (place == first && saved.first % positions != 0) continue;
      const auto [shared, added] =
          known.emplace(std::pair(lineage[i][place], place), page);
      if (shared->second == page) continue;
      return Error{
          Format("saved sequence {} has page {} of set {} where those "
                 "with which it shares positions have {}",
                 sequence.id, page, set, shared->second)};
    }
  }
  return {};
}

Status Checker::CheckText(const SavedSequence& sequence) const {
  const auto texts = static_cast<int32_t>(state_.texts.size());
  const bool needed = bounds_.traits.encoder && sequence.length() > 0;
  if (sequence.text >= (needed ? 0 : kNotSaved) && sequence.text < texts) {
    return {};
  }
  return Error{
      Format("saved sequence {} of {} tokens has encoder text {} of "
             "{}",
             sequence.id, sequence.length(), sequence.text, texts)};
}

Status Checker::CheckSizes(const SectionSizes& sizes) const {
  const CheckedSize cell_bytes =
      CheckedSize(CellFloats(bounds_.spec)) * sizeof(float);
  BRAID_TRY(CheckSection("cells", sizes.cells,
                         cell_bytes * static_cast<size_t>(state_.cells)));
  CheckedSize pages = 0;
  const auto ranges = RangesOfPages(state_, sets_);
  for (size_t set = 0; set < sets_.size(); ++set) {
    const CheckedSize each = sets_[set].position_bytes;
    for (const PageRange& range : ranges[set]) {
      pages = pages + each * range.count();
    }
  }
  BRAID_TRY(CheckSection("pages", sizes.pages, pages));
  const CheckedSize token_bytes = TextPagesOf(bounds_.spec).position_bytes;
  CheckedSize texts = 0;
  for (const std::vector<TokenId>& text : state_.texts) {
    texts = texts + token_bytes * text.size();
  }
  return CheckSection("texts", sizes.texts, texts);
}

}  // namespace

Status CheckSavedState(const SavedState& state, const SectionSizes& sizes,
                       const SavedStateBounds& bounds) {
  return Checker(state, bounds).Check(sizes);
}

}  // namespace braid
