#include "engine/restore.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include "archive/reader.h"
#include "base/format.h"
#include "base/try.h"
#include "engine/check_saved_state.h"
#include "engine/restore_plan.h"
#include "engine/saved_state.h"
#include "engine/state_bytes.h"

namespace braid {

namespace {

// The parts of an archive, all verified.
struct Parts {
  SavedState state;
  std::span<const std::byte> cells;
  std::span<const std::byte> pages;
  std::span<const std::byte> texts;
};

// There is one order of sections, and nothing else: no two files say the same.
Status CheckSections(const archive::Reader& reader) {
  constexpr archive::Tag kSections[] = {kModelSection, kStateSection,
                                        kCellsSection, kPagesSection,
                                        kTextsSection};
  const bool same = std::equal(
      reader.sections().begin(), reader.sections().end(), std::begin(kSections),
      std::end(kSections),
      [](const auto& entry, const auto& tag) { return entry.tag == tag; });
  if (same) return {};
  return Error{
      "the saved state should have the sections model, state, cells, pages and "
      "texts, in this order"};
}

Result<Parts> ReadParts(std::span<const std::byte> bytes,
                        const LanguageModel& model, const MemorySpec& spec,
                        const Fingerprint& here) {
  BRAID_ASSIGN(const archive::Reader reader, archive::Reader::Open(bytes));
  BRAID_TRY(CheckSections(reader));
  BRAID_ASSIGN(const auto model_section, reader.Section(kModelSection));
  Fingerprint saved;
  archive::Visitor visit_model(model_section);
  Visit(visit_model, saved);
  visit_model.End("model");
  BRAID_TRY(visit_model.status());
  BRAID_TRY(CheckSame(saved, here));

  Parts parts;
  BRAID_ASSIGN(const auto state_section, reader.Section(kStateSection));
  BRAID_ASSIGN(parts.cells, reader.Section(kCellsSection));
  BRAID_ASSIGN(parts.pages, reader.Section(kPagesSection));
  BRAID_ASSIGN(parts.texts, reader.Section(kTextsSection));
  archive::Visitor visit_state(state_section);
  Visit(visit_state, parts.state);
  BRAID_TRY(visit_state.status());
  BRAID_TRY(CheckSavedState(parts.state,
                            {.cells = parts.cells.size(),
                             .pages = parts.pages.size(),
                             .texts = parts.texts.size()},
                            {.spec = spec,
                             .traits = model.traits(),
                             .vocabulary_size = model.vocabulary_size(),
                             .width = model.width()}));
  return parts;
}

Status CheckPooling(const EngineState& engine, const SavedState& state,
                    const RestorePlan& plan) {
  constexpr const char* kNames[] = {"none", "mean", "first", "last", "rank"};
  if (state.pooling == *engine.options.pooling) return {};
  for (const int32_t i : plan.sequences) {
    if (!state.sequences[i].carried.pooled) continue;
    return Error{
        Format("saved sequence {} was pooled as \"{}\", this engine pools as "
               "\"{}\" (--pooling)",
               state.sequences[i].id, kNames[static_cast<int>(state.pooling)],
               kNames[static_cast<int>(*engine.options.pooling)])};
  }
  return {};
}

// Copies the archive's bytes to where the plan has put them. What it needs for
// that it has when it is made.
class Copier {
 public:
  Copier(const Parts& parts, const RestorePlan& plan, HybridMemory& memory)
      : parts_(parts),
        plan_(plan),
        memory_(memory),
        sets_(PageSetsOf(memory.spec())),
        ranges_(RangesOfPages(parts.state, sets_)),
        text_set_(TextPagesOf(memory.spec())),
        copied_texts_(plan.texts.size(), 0) {
    size_t offset = 0;
    for (size_t set = 0; set < sets_.size(); ++set) {
      offsets_.emplace_back();
      for (const PageRange& range : ranges_[set]) {
        offsets_[set].push_back(offset);
        offset += range.count() * sets_[set].position_bytes;
      }
      const KvPages& pages = PagesOf(set);
      copied_.emplace_back(static_cast<size_t>(pages.groups()) *
                           static_cast<size_t>(pages.pages_per_group()));
    }
    offset = 0;
    for (const std::vector<TokenId>& text : parts_.state.texts) {
      text_offsets_.push_back(offset);
      text_ranges_.push_back(RangesOfText(text_set_, text.size()));
      offset += text.size() * text_set_.position_bytes;
    }
  }

  // cells[i] is cell i of the plan.
  void CopyCells(std::span<const int32_t> cells) {
    const size_t bytes = CellFloats(memory_.spec()) * sizeof(float);
    for (size_t i = 0; i < cells.size(); ++i) {
      const auto saved = static_cast<size_t>(plan_.cells[i]);
      archive::Visitor visitor(parts_.cells.subspan(saved * bytes, bytes));
      VisitCell(visitor, memory_, cells[i]);
    }
  }

  void CopyPages() {
    for (size_t set = 0; set < sets_.size(); ++set) {
      if (PagesOf(set).present()) CopySet(set);
    }
  }

  void CopyTexts() {
    for (const RestoredMemory::Sequence& sequence : plan_.memory.sequences) {
      if (sequence.text < 0 || copied_texts_[sequence.text] != 0) continue;
      copied_texts_[sequence.text] = 1;
      const int32_t saved = plan_.texts[sequence.text];
      const auto& ranges = text_ranges_[saved];
      const auto table = memory_.cross().TableOf(sequence.id).pages;
      archive::Visitor visitor(parts_.texts.subspan(text_offsets_[saved]));
      for (size_t i = 0; i < ranges.size(); ++i) {
        VisitPage(visitor, text_set_, ranges[i], [&](int layer) {
          return TextPageOf(memory_, layer, table[i]);
        });
      }
    }
  }

 private:
  const KvPages& PagesOf(size_t set) const {
    return set < memory_.groups().size() ? memory_.groups()[set]
                                         : memory_.log();
  }

  void CopySet(size_t index) {
    const PageSet& set = sets_[index];
    for (size_t i = 0; i < plan_.sequences.size(); ++i) {
      const RestoredMemory::Sequence& sequence = plan_.memory.sequences[i];
      const SavedPages& saved =
          parts_.state.sequences[plan_.sequences[i]].pages[index];
      const auto table = PagesOf(index).TableOf(sequence.id).pages;
      const int32_t saved_first = saved.first / set.positions;
      const Position first = sequence.pages[index].first;
      if (first == sequence.length) continue;
      for (int32_t place = first / set.positions;
           place < PagesFor(set, sequence.length); ++place) {
        const int32_t page = table[place];
        if (copied_[index][page] != 0) continue;
        copied_[index][page] = 1;
        const int32_t from = saved.pages[place - saved_first];
        archive::Visitor visitor(parts_.pages.subspan(offsets_[index][from]));
        VisitPage(visitor, set, ranges_[index][from], [&](int layer) {
          return PageOf(memory_, index, layer, page);
        });
      }
    }
  }

  const Parts& parts_;
  const RestorePlan& plan_;
  HybridMemory& memory_;
  const std::vector<PageSet> sets_;
  const std::vector<std::vector<PageRange>> ranges_;  // [sets][saved pages]
  std::vector<std::vector<size_t>> offsets_;          // [sets][saved pages]
  std::vector<std::vector<uint8_t>> copied_;          // [sets][pages]
  const PageSet text_set_;
  std::vector<std::vector<PageRange>> text_ranges_;  // [saved texts]
  std::vector<size_t> text_offsets_;                 // [saved texts]
  std::vector<uint8_t> copied_texts_;                // [texts of the plan]
};

// Pooled rows whose checkpoint the memory did not take are of no use.
void DropMarks(const RestoredMemory::Sequence& sequence, Carried& carried) {
  std::erase_if(carried.marks, [&](const Carried::Mark& mark) {
    return std::none_of(
        sequence.checkpoints.begin(), sequence.checkpoints.end(),
        [&](const RestoredMemory::Checkpoint& checkpoint) {
          return checkpoint.kept && checkpoint.position == mark.position;
        });
  });
}

// What the restored sequences of the plan will carry.
std::vector<Carried> CarriedOf(const SavedState& state, const RestorePlan& plan,
                               bool recurrent) {
  std::vector<Carried> all;
  for (size_t i = 0; i < plan.sequences.size(); ++i) {
    const SavedSequence& saved = state.sequences[plan.sequences[i]];
    Carried& carried = all.emplace_back(saved.carried);
    if (recurrent) DropMarks(plan.memory.sequences[i], carried);
    if (saved.text != kNotSaved) {
      carried.encoder_tokens = state.texts[saved.text];
    }
  }
  return all;
}

// Cannot fail.
void ReplaceCarried(const RestorePlan& plan, std::span<Carried> restored,
                    std::span<Carried> all) {
  for (size_t i = 0; i < all.size(); ++i) {
    const auto id = static_cast<SequenceId>(i);
    const bool stays =
        std::binary_search(plan.kept.begin(), plan.kept.end(), id);
    if (!stays) all[i].Clear();
  }
  for (size_t i = 0; i < plan.sequences.size(); ++i) {
    all[plan.memory.sequences[i].id] = std::move(restored[i]);
  }
}

}  // namespace

Result<Restored> RestoreState(const EngineState& engine,
                              std::span<Carried> carried,
                              const LanguageModel& model,
                              const Fingerprint& here,
                              std::span<const std::byte> archive,
                              const RestoreOptions& options) {
  HybridMemory& memory = engine.memory;
  BRAID_ASSIGN(const Parts parts,
               ReadParts(archive, model, memory.spec(), here));
  BRAID_ASSIGN(const RestorePlan plan,
               PlanRestore(parts.state, memory, options));
  BRAID_TRY(CheckPooling(engine, parts.state, plan));
  BRAID_TRY(memory.CheckRestore(plan.memory, plan.kept));

  HybridMemory::RestoreScratch scratch = memory.PrepareRestore(plan.memory);
  Copier copier(parts, plan, memory);
  std::vector<Carried> new_carried =
      CarriedOf(parts.state, plan, memory.cells().present());
  Restored restored;
  restored.bytes = static_cast<int64_t>(archive.size());
  for (const RestoredMemory::Sequence& sequence : plan.memory.sequences) {
    restored.sequences.push_back(sequence.id);
  }
  std::sort(restored.sequences.begin(), restored.sequences.end());

  // From here on nothing can fail.
  memory.Restore(plan.memory, plan.kept, scratch);
  copier.CopyCells(scratch.cells);
  copier.CopyPages();
  copier.CopyTexts();
  ReplaceCarried(plan, new_carried, carried);
  return restored;
}

}  // namespace braid
