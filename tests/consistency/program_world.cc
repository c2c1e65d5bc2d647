#include "tests/consistency/program_world.h"

#include <algorithm>
#include <set>

#include "base/format.h"

namespace braid::programs {

namespace {

// Room for any program's checkpoints.
constexpr size_t kManyBytes = size_t{64} << 20;

Judgement Refused(std::string why) {
  return {.verdict = Judgement::kRefused, .why = std::move(why)};
}

Judgement Either(std::string why) {
  return {.verdict = Judgement::kEither, .why = std::move(why)};
}

// What a batch leads up to, entry by entry.
struct Draft {
  int64_t tip;
  Position length;
  int64_t text;
  int pooled;                            // -1: nothing yet
  std::vector<SequenceId> company = {};  // of the last entry
};

bool Distinct(std::vector<SequenceId> ids) {
  std::sort(ids.begin(), ids.end());
  return std::adjacent_find(ids.begin(), ids.end()) == ids.end();
}

Position NextMultiple(Position position, int step) {
  return step == 0 ? position : (position / step + 1) * step;
}

}  // namespace

World::World(const Subject& subject, const EngineOptions& options)
    : subject_(&subject),
      options_(options),
      sequences_(static_cast<size_t>(options.max_sequences)) {}

Position World::Shared(SequenceId a, SequenceId b) const {
  const auto& first = sequences_[a].computed;
  const auto& second = sequences_[b].computed;
  const auto [end, unused] =
      std::mismatch(first.begin(), first.end(), second.begin(), second.end());
  return static_cast<Position>(end - first.begin());
}

int64_t World::positions() const {
  std::set<int64_t> numbers;
  for (const Sequence& sequence : sequences_) {
    numbers.insert(sequence.computed.begin(), sequence.computed.end());
  }
  return static_cast<int64_t>(numbers.size());
}

int64_t World::encoder_tokens() const {
  std::map<int64_t, size_t> lengths;
  for (const Sequence& sequence : sequences_) {
    lengths[sequence.text_number] = sequence.text.size();
  }
  int64_t tokens = 0;
  for (const auto& [number, length] : lengths) {
    tokens += static_cast<int64_t>(length);
  }
  return tokens;
}

bool World::CheckpointsStay() const {
  return !recurrent() || options_.checkpoint_bytes >= kManyBytes;
}

bool World::PooledByMarks(const Sequence& sequence) const {
  return sequence.pooled && (options_.pooling == Pooling::kMean ||
                             options_.pooling == Pooling::kLast);
}

Judgement World::OfBatch(std::span<const Entry> entries,
                         std::span<const Text> texts) const {
  size_t tokens = entries.size();
  for (const Text& text : texts) tokens += text.tokens.size();
  if (tokens == 0) return Refused("no tokens");
  if (tokens > static_cast<size_t>(options_.max_batch)) {
    return Refused("more than max_batch");
  }
  if (Judgement of = OfTexts(texts); of.verdict != Judgement::kAccepted) {
    return of;
  }
  if (Judgement of = OfEntries(entries, texts);
      of.verdict != Judgement::kAccepted) {
    return of;
  }
  if (attention() &&
      static_cast<int64_t>(entries.size()) > options_.context - positions()) {
    return Refused("the positions do not fit");
  }
  if (options_.memory_limit > 0) return Either("the bytes may not fit");
  return {};
}

Judgement World::OfTexts(std::span<const Text> texts) const {
  if (!subject_->info().encoder && !texts.empty()) {
    return Refused("no encoder");
  }
  int64_t tokens = 0;
  std::set<SequenceId> with_text;
  for (const Text& text : texts) {
    if (text.tokens.empty()) return Refused("an empty text");
    if (text.sequences.empty()) return Refused("a text of no sequence");
    if (text.tokens.size() > static_cast<size_t>(options_.max_ubatch)) {
      return Refused("a text is longer than a ubatch");
    }
    for (const SequenceId id : text.sequences) {
      if (!Exists(id)) return Refused("no such sequence");
      if (!sequences_[id].empty() || sequences_[id].text_number != 0 ||
          !with_text.insert(id).second) {
        return Refused("the sequence is not empty");
      }
    }
    tokens += static_cast<int64_t>(text.tokens.size());
  }
  if (tokens > 0 && tokens > options_.context - encoder_tokens()) {
    return Refused("the texts do not fit");
  }
  return {};
}

Judgement World::OfEntries(std::span<const Entry> entries,
                           std::span<const Text> texts) const {
  const ModelInfo& info = subject_->info();
  std::vector<Draft> drafts;
  for (const Sequence& sequence : sequences_) {
    drafts.push_back(
        {.tip = sequence.tip(),
         .length = sequence.length(),
         .text = sequence.text_number,
         .pooled = sequence.empty() ? -1 : (sequence.pooled ? 1 : 0)});
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    for (const SequenceId id : texts[i].sequences) {
      drafts[id].text = next_number_ + static_cast<int64_t>(i);
    }
  }
  int64_t number = next_number_;
  // What is not cut are the tokens of a set of sequences.
  std::map<std::vector<SequenceId>, int> rows_of_company;
  for (const Entry& entry : entries) {
    if (entry.token < 0 || entry.token >= info.vocabulary_size) {
      return Refused("token outside the vocabulary");
    }
    if (entry.sequences.empty()) return Refused("a token of no sequence");
    if (!Distinct(entry.sequences)) return Refused("a sequence twice");
    const bool logits =
        entry.want == Want::kLogits || entry.want == Want::kScore;
    if (logits && !info.logits) return Refused("no logits");
    for (const TokenId target : entry.targets) {
      if (target < 0 || target >= info.vocabulary_size) {
        return Refused("target outside the vocabulary");
      }
    }
    const bool pooled = entry.want == Want::kPooled;
    if (pooled && options_.pooling == Pooling::kNone)
      return Refused("no pooling");
    for (const SequenceId id : entry.sequences) {
      if (!Exists(id)) return Refused("no such sequence");
      Draft& draft = drafts[id];
      const Draft& first = drafts[entry.sequences.front()];
      if (entry.position != draft.length) return Refused("wrong position");
      if (subject_->positions > 0 && entry.position >= subject_->positions) {
        return Refused("position unknown to the model");
      }
      if (info.bidirectional && !sequences_[id].empty()) {
        return Refused("the text is complete");
      }
      if (info.encoder && draft.text == 0) return Refused("no encoder text");
      if (draft.tip != first.tip || draft.text != first.text) {
        return Refused("the sequences have diverged");
      }
      if (draft.pooled >= 0 && draft.pooled != (pooled ? 1 : 0)) {
        return Refused("some tokens are pooled and some are not");
      }
    }
    std::vector<SequenceId> company = entry.sequences;
    std::sort(company.begin(), company.end());
    for (const SequenceId id : entry.sequences) {
      const auto& before = drafts[id].company;
      if (info.bidirectional && !before.empty() && before != company) {
        return Refused("a part of a text that is read as a whole");
      }
    }
    ++number;
    for (const SequenceId id : entry.sequences) {
      drafts[id].company = company;
      drafts[id].tip = number;
      ++drafts[id].length;
      drafts[id].pooled = pooled ? 1 : 0;
    }
    const int rows = ++rows_of_company[std::move(company)];
    if (options_.split == SplitPolicy::kWhole && rows > options_.max_ubatch) {
      return Refused("whole, and longer than a ubatch");
    }
  }
  return {};
}

Judgement World::OfFork(SequenceId from, SequenceId to) const {
  if (!Exists(from) || !Exists(to)) return Refused("no such sequence");
  if (!sequences_[to].empty()) return Refused("not empty");
  if (from != to && sequences_[to].text_number != 0) {
    return Refused("has a text");
  }
  return {};
}

// What the memory promises, with k = `rollback`:
//   - layers that keep all positions go back to any;
//   - every sequence goes back to its floor, without evaluating anything: k
//     less than the longest that it has been, but not before where it was
//     evaluated again or restored from an engine with another k;
//   - recurrent layers go back to or through a checkpoint that was asked for or
//     made by policy, unless the budget has dropped it, if what must be
//     evaluated again fits;
//   - pooled rows (mean, last) go back to or through such a checkpoint only.
Judgement World::OfRemoval(SequenceId id, Position begin) const {
  if (!Exists(id)) return Refused("no such sequence");
  if (begin < 0) return Refused("a negative position");
  const Sequence& sequence = sequences_[id];
  if (begin == 0 || begin >= sequence.length()) return {};
  if (subject_->info().bidirectional) return Refused("read as a whole");
  if (!PooledByMarks(sequence)) {
    if (!recurrent() && !subject_->windows) return {};
    if (begin >= sequence.floor) return {};
    if (!recurrent()) return Either("behind the windows");
  }
  return OfCheckpointsBefore(sequence, begin);
}

Judgement World::OfCheckpointsBefore(const Sequence& sequence,
                                     Position begin) const {
  const auto& all = sequence.checkpoints;
  const auto after = std::upper_bound(all.begin(), all.end(), begin);
  Judgement judgement =
      Either(Format("no checkpoint before {} that must be there", begin));
  judgement.most_reevaluated = begin;
  if (after == all.begin()) return judgement;
  const Position checkpoint = *std::prev(after);
  judgement.most_reevaluated = begin - checkpoint;
  if (attention() && begin - checkpoint > options_.context - positions()) {
    judgement.why = "evaluating again may not fit";
    return judgement;
  }
  if (subject_->windows && checkpoint < sequence.floor) {
    judgement.why = "behind the windows";
    return judgement;
  }
  judgement.verdict = Judgement::kAccepted;
  return judgement;
}

Judgement World::OfSave(std::span<const SequenceId> sequences) const {
  for (const SequenceId id : sequences) {
    if (!Exists(id)) return Refused("no such sequence");
  }
  for (const SequenceId id : sequences) {
    if (sequences_[id].empty()) return Either("it holds nothing");
  }
  return {};
}

Judgement World::OfCheckpoint(SequenceId sequence) const {
  if (!Exists(sequence)) return Refused("no such sequence");
  return CheckpointsStay() ? Judgement{} : Either("a small budget");
}

Judgement World::OfReconfiguration(const EngineOptions& options) const {
  if (options.max_ubatch < 1) return Refused("a ubatch of nothing");
  if (subject_->info().bidirectional && options.split != SplitPolicy::kWhole) {
    return Refused("needs whole");
  }
  return {};
}

Judgement World::OfRestore(const Archived& archive, const Ids& ids) const {
  // In another world, that holds what stays and what comes.
  World next = *this;
  std::set<SequenceId> to;
  for (const auto& [from, target] : ids) {
    if (!archive.sequences.contains(from)) return Refused("not in the archive");
    if (!Exists(target)) return Refused("no such sequence");
    if (!to.insert(target).second) return Refused("two into one sequence");
  }
  for (const auto& [id, sequence] : archive.sequences) {
    if (ids.empty() && !Exists(id)) return Refused("no such sequence");
  }
  next.Restore(archive, ids);
  if (attention() && next.positions() > options_.context) {
    return Refused("the positions do not fit");
  }
  if (subject_->info().encoder && next.encoder_tokens() > options_.context) {
    return Refused("the texts do not fit");
  }
  if (options_.memory_limit > 0) return Either("the bytes may not fit");
  return {};
}

void World::Grow(Sequence& sequence, Position length) {
  sequence.floor = std::max({0, sequence.floor, length - options_.rollback});
  const int every = recurrent() ? options_.checkpoint_every : 0;
  if (every > 0 && length % every == 0 && CheckpointsStay()) {
    sequence.checkpoints.push_back(length);
  }
}

void World::Append(std::span<const Entry> entries) {
  for (const Entry& entry : entries) {
    const int64_t number = next_number_++;
    Position floor = 0;
    for (const SequenceId id : entry.sequences) {
      floor = std::max(floor, sequences_[id].floor);
    }
    for (const SequenceId id : entry.sequences) {
      Sequence& sequence = sequences_[id];
      sequence.tokens.push_back(entry.token);
      sequence.computed.push_back(number);
      sequence.pooled = entry.want == Want::kPooled;
      sequence.last_known = subject_->info().logits;
      sequence.floor = floor;
      Grow(sequence, sequence.length());
    }
  }
}

void World::SetText(const Text& text) {
  const int64_t number = next_number_++;
  for (const SequenceId id : text.sequences) {
    sequences_[id].text = text.tokens;
    sequences_[id].text_number = number;
  }
}

void World::Fork(SequenceId from, SequenceId to) {
  sequences_[to] = sequences_[from];
}

void World::Remove(SequenceId id, Position begin, const Removal& removal) {
  Sequence& sequence = sequences_[id];
  if (begin == 0) return Release(id);
  if (begin >= sequence.length()) return;
  const bool below = begin < sequence.floor || removal.reevaluated > 0;
  const auto& all = sequence.checkpoints;
  const Position kept = begin - removal.reevaluated;
  sequence.tokens.resize(static_cast<size_t>(begin));
  sequence.computed.resize(static_cast<size_t>(kept));
  std::erase_if(sequence.checkpoints,
                [&](Position checkpoint) { return checkpoint > kept; });
  sequence.last_known = removal.reevaluated > 0 && subject_->info().logits;
  // Where it was rebuilt from a checkpoint of an engine with another k, the
  // first one of its own is still to come.
  const bool starts = subject_->windows || removal.reevaluated > 0 ||
                      std::find(all.begin(), all.end(), kept) != all.end();
  if (below && starts) {
    sequence.floor =
        CheckpointsStay() ? kept : NextMultiple(kept, options_.rollback);
  }
  while (sequence.computed.size() < sequence.tokens.size()) {
    sequence.computed.push_back(next_number_++);
    Grow(sequence, static_cast<Position>(sequence.computed.size()));
  }
}

void World::Checkpoint(SequenceId id) {
  Sequence& sequence = sequences_[id];
  if (sequence.empty() || !CheckpointsStay()) return;
  if (!recurrent() && !sequence.pooled) return;
  auto& all = sequence.checkpoints;
  if (all.empty() || all.back() < sequence.length()) {
    all.push_back(sequence.length());
  }
}

void World::Reconfigure(const EngineOptions& options) {
  options_.threads = options.threads;
  options_.max_ubatch = options.max_ubatch;
  options_.split = options.split;
}

Archived World::Save(std::span<const SequenceId> chosen) const {
  Archived archive{.sequences = {}, .options = options_};
  for (SequenceId id = 0; id < sequences(); ++id) {
    const Sequence& sequence = sequences_[id];
    const bool holds = !sequence.empty() || sequence.text_number != 0;
    const bool named =
        std::find(chosen.begin(), chosen.end(), id) != chosen.end();
    if (chosen.empty() ? holds : named) archive.sequences[id] = sequence;
  }
  return archive;
}

// An engine with another k has other checkpoints: what holds for its own begins
// with the first one that it makes itself. Pages behind windows are there or
// not, whoever kept them.
Position World::FloorOfRestored(const Sequence& archived,
                                const EngineOptions& from) const {
  const Position length = archived.length();
  const Position floor = std::max(archived.floor, length - options_.rollback);
  if (!recurrent()) return std::max(0, floor);
  const bool stays = CheckpointsStay() && from.checkpoint_bytes >= kManyBytes;
  if (from.rollback == options_.rollback && stays) return archived.floor;
  return NextMultiple(length, options_.rollback);
}

std::vector<SequenceId> World::Restore(const Archived& archive,
                                       const Ids& ids) {
  Ids all = ids;
  if (all.empty()) {
    for (SequenceId id = 0; id < sequences(); ++id) Release(id);
    for (const auto& [id, sequence] : archive.sequences) {
      all.push_back({id, id});
    }
  }
  std::map<int64_t, int64_t> fresh;
  const auto renumber = [&](int64_t number) {
    const auto [at, added] = fresh.insert({number, next_number_});
    if (added) ++next_number_;
    return at->second;
  };
  std::vector<SequenceId> restored;
  for (const auto& [from, to] : all) {
    const Sequence& archived = archive.sequences.at(from);
    Sequence& sequence = sequences_[to];
    sequence = archived;
    for (int64_t& number : sequence.computed) number = renumber(number);
    if (sequence.text_number != 0) {
      sequence.text_number = renumber(sequence.text_number);
    }
    sequence.floor = FloorOfRestored(archived, archive.options);
    if (!CheckpointsStay()) sequence.checkpoints.clear();
    restored.push_back(to);
  }
  std::sort(restored.begin(), restored.end());
  return restored;
}

}  // namespace braid::programs
