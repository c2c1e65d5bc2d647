#include "engine/save.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/format.h"
#include "engine/state_bytes.h"

namespace braid {

namespace {

// Gives numbers to things of the memory, in the order in which they are met.
class Numbers {
 public:
  int32_t Of(int32_t thing) {
    const auto [place, added] =
        numbers_.emplace(thing, static_cast<int32_t>(things_.size()));
    if (added) things_.push_back(thing);
    return place->second;
  }
  // A thing that has the number of another already, for one more name.
  void Name(int32_t thing, int32_t number) { numbers_.emplace(thing, number); }
  // By number.
  const std::vector<int32_t>& things() const { return things_; }

 private:
  std::unordered_map<int32_t, int32_t> numbers_;
  std::vector<int32_t> things_;
};

// What is saved, and which cells, pages and texts of the memory it means.
class Description {
 public:
  Description(const EngineState& engine, std::span<const SequenceId> sequences)
      : memory_(engine.memory),
        sets_(PageSetsOf(engine.memory.spec())),
        pages_(sets_.size()) {
    state_.pooling = *engine.options.pooling;
    for (const SequenceId sequence : sequences) {
      Add(sequence, engine.carried[sequence]);
    }
    for (size_t set = 0; set < sets_.size(); ++set) AddPages(set);
    NumberCheckpoints();
    state_.cells = static_cast<int32_t>(cells_.things().size());
    for (const Numbers& pages : pages_) {
      state_.pages.push_back(static_cast<int32_t>(pages.things().size()));
    }
  }

  SavedState& state() { return state_; }
  void WriteCells(archive::Writer& writer) const;
  void WritePages(archive::Writer& writer) const;
  void WriteTexts(archive::Writer& writer) const;

 private:
  void Add(SequenceId sequence, const Carried& carried);
  void AddLineage(SavedSequence& saved) const;
  void AddCells(SavedSequence& saved);
  void AddPages(size_t set);
  void NumberCheckpoints();
  const KvPages& Pages(size_t set) const {
    return set < memory_.groups().size() ? memory_.groups()[set]
                                         : memory_.log();
  }

  HybridMemory& memory_;
  const std::vector<PageSet> sets_;
  SavedState state_;
  Numbers cells_;
  std::vector<Numbers> pages_;             // [page sets]
  Numbers texts_;                          // of CrossPages
  std::vector<SequenceId> text_sequence_;  // [texts] one that looks at it
};

void Description::Add(SequenceId sequence, const Carried& carried) {
  SavedSequence& saved = state_.sequences.emplace_back();
  saved.id = sequence;
  saved.carried = carried;
  saved.carried.encoder_tokens.clear();
  AddLineage(saved);
  AddCells(saved);
  if (memory_.cross().Length(sequence) == 0) return;
  saved.text = texts_.Of(memory_.cross().TextOf(sequence));
  if (saved.text < static_cast<int32_t>(state_.texts.size())) return;
  state_.texts.push_back(carried.encoder_tokens);
  text_sequence_.push_back(sequence);
}

void Description::AddLineage(SavedSequence& saved) const {
  for (size_t i = 0; i + 1 < state_.sequences.size(); ++i) {
    const Position shared =
        memory_.lineage().Shared(saved.id, state_.sequences[i].id);
    if (shared <= saved.shared) continue;
    saved.shared = shared;
    saved.parent = static_cast<int32_t>(i);
  }
}

void Description::AddCells(SavedSequence& saved) {
  if (!memory_.cells().present() || saved.length() == 0) return;
  saved.cell = cells_.Of(memory_.cells().CellOf(saved.id));
  for (const auto& checkpoint : memory_.cells().Checkpoints(saved.id)) {
    saved.checkpoints.push_back({.position = checkpoint.position,
                                 .cell = cells_.Of(checkpoint.cell),
                                 .kept = checkpoint.kept,
                                 .made = checkpoint.made});
  }
}

void Description::AddPages(size_t set) {
  const PageSet& pages = sets_[set];
  const KvPages& memory = Pages(set);
  const auto lineage = FirstOfLineage(state_, pages.positions);
  // Full pages by the first sequence of their lineage and their place: what was
  // computed once is saved once, though it may have been copied.
  std::map<std::pair<int32_t, int32_t>, int32_t> known;
  for (size_t index = 0; index < state_.sequences.size(); ++index) {
    SavedSequence& sequence = state_.sequences[index];
    const Position length = sequence.length();
    SavedPages& saved = sequence.pages.emplace_back();
    saved.first = length;
    if (!memory.present() || memory.First(sequence.id) >= length) continue;
    saved.first = memory.First(sequence.id);
    const int32_t first = saved.first / pages.positions;
    const auto table = memory.TableOf(sequence.id).pages;
    for (int32_t place = first; place < PagesFor(pages, length); ++place) {
      int32_t number;
      const bool full = place * pages.positions >= saved.first &&
                        place < length / pages.positions;
      if (full) {
        const auto key = std::pair(lineage[index][place], place);
        const auto shared = known.find(key);
        number = shared != known.end() ? shared->second
                                       : pages_[set].Of(table[place]);
        known.emplace(key, number);
        pages_[set].Name(table[place], number);
      } else {
        number = pages_[set].Of(table[place]);
      }
      saved.pages.push_back(number);
    }
  }
}

// By age, from 0: how many there have been before says nothing of the state.
void Description::NumberCheckpoints() {
  std::map<uint64_t, uint64_t> numbers;  // of the memory -> of the archive
  for (const SavedSequence& sequence : state_.sequences) {
    for (const SavedCheckpoint& checkpoint : sequence.checkpoints) {
      numbers.emplace(checkpoint.made, 0);
    }
  }
  uint64_t count = 0;
  for (auto& [made, number] : numbers) number = count++;
  for (SavedSequence& sequence : state_.sequences) {
    for (SavedCheckpoint& checkpoint : sequence.checkpoints) {
      checkpoint.made = numbers[checkpoint.made];
    }
  }
}

void Description::WriteCells(archive::Writer& writer) const {
  archive::Visitor visitor(writer);
  for (const int32_t cell : cells_.things()) {
    VisitCell(visitor, memory_, cell);
  }
}

void Description::WritePages(archive::Writer& writer) const {
  archive::Visitor visitor(writer);
  const auto ranges = RangesOfPages(state_, sets_);
  for (size_t set = 0; set < sets_.size(); ++set) {
    for (size_t i = 0; i < ranges[set].size(); ++i) {
      const int32_t page = pages_[set].things()[i];
      VisitPage(visitor, sets_[set], ranges[set][i],
                [&](int layer) { return PageOf(memory_, set, layer, page); });
    }
  }
}

void Description::WriteTexts(archive::Writer& writer) const {
  archive::Visitor visitor(writer);
  const PageSet set = TextPagesOf(memory_.spec());
  for (size_t text = 0; text < state_.texts.size(); ++text) {
    const auto table = memory_.cross().TableOf(text_sequence_[text]).pages;
    const auto ranges = RangesOfText(set, state_.texts[text].size());
    for (size_t i = 0; i < ranges.size(); ++i) {
      VisitPage(visitor, set, ranges[i], [&](int layer) {
        return TextPageOf(memory_, layer, table[i]);
      });
    }
  }
}

}  // namespace

Result<std::vector<SequenceId>> SequencesToSave(
    const EngineState& engine, std::span<const SequenceId> asked) {
  const int count = engine.options.max_sequences;
  std::vector<SequenceId> sequences(asked.begin(), asked.end());
  std::sort(sequences.begin(), sequences.end());
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (sequences[i] < 0 || sequences[i] >= count) {
      return Error{
          Format("cannot save sequence {}: there are {}, numbered from 0 (-np)",
                 sequences[i], count)};
    }
    if (i > 0 && sequences[i] == sequences[i - 1]) {
      return Error{
          Format("cannot save sequence {}: it is named twice", sequences[i])};
    }
  }
  if (!asked.empty()) return sequences;
  for (SequenceId i = 0; i < count; ++i) {
    const bool empty = engine.memory.lineage().Length(i) == 0 &&
                       engine.memory.cross().Length(i) == 0;
    if (!empty) sequences.push_back(i);
  }
  return sequences;
}

void SaveState(const EngineState& engine, Fingerprint fingerprint,
               std::span<const SequenceId> sequences, archive::Writer& writer) {
  Description description(engine, sequences);
  writer.BeginSection(kModelSection);
  archive::Visitor model(writer);
  Visit(model, fingerprint);
  writer.BeginSection(kStateSection);
  archive::Visitor state(writer);
  Visit(state, description.state());
  writer.BeginSection(kCellsSection);
  description.WriteCells(writer);
  writer.BeginSection(kPagesSection);
  description.WritePages(writer);
  writer.BeginSection(kTextsSection);
  description.WriteTexts(writer);
}

}  // namespace braid
