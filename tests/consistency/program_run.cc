#include "tests/consistency/program_run.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/format.h"
#include "base/random.h"

namespace braid::programs {

namespace {

std::string ArchivePath(int number) {
  const auto folder = std::filesystem::temp_directory_path();
  return (folder / Format("braid_program_{}_{}.state", getpid(), number))
      .string();
}

bool Common(const Piece& a, const Piece& b) {
  return std::find_first_of(a.sequences.begin(), a.sequences.end(),
                            b.sequences.begin(),
                            b.sequences.end()) != a.sequences.end();
}

// The order in which pieces give their next entry: each in its own order, and
// after all earlier pieces that have a sequence in common with it.
std::vector<size_t> Interleaved(const Step& step) {
  const auto& pieces = step.pieces;
  std::vector<size_t> left;
  for (const Piece& piece : pieces) left.push_back(piece.tokens.size());
  Random random(step.shuffle);
  std::vector<size_t> order, ready;
  for (;;) {
    ready.clear();
    for (size_t i = 0; i < pieces.size(); ++i) {
      bool waits = left[i] == 0;
      for (size_t j = 0; j < i && !waits; ++j) {
        waits = left[j] > 0 && Common(pieces[i], pieces[j]);
      }
      if (!waits) ready.push_back(i);
    }
    if (ready.empty()) return order;
    const int any = random.Below(static_cast<int>(ready.size()));
    const size_t next = ready[step.shuffle == 0 ? 0 : any];
    order.push_back(next);
    --left[next];
  }
}

Batch BatchOf(std::span<const Entry> entries, std::span<const Text> texts) {
  Batch batch;
  for (const Text& text : texts) batch.AddEncoder(text.tokens, text.sequences);
  for (const Entry& entry : entries) {
    if (entry.want == Want::kScore) {
      batch.AddScored(entry.token, entry.position, entry.sequences,
                      entry.targets);
    } else {
      batch.Add(entry.token, entry.position, entry.sequences, entry.want);
    }
  }
  return batch;
}

}  // namespace

int64_t Tally::AllSteps() const {
  int64_t all = 0;
  for (const int64_t count : steps) all += count;
  return all;
}

void Tally::Add(const Tally& other) {
  const bool first = programs == 0;
  least_steps =
      first ? other.AllSteps() : std::min(least_steps, other.AllSteps());
  least_tokens = first ? other.tokens : std::min(least_tokens, other.tokens);
  programs += other.programs;
  tokens += other.tokens;
  for (int i = 0; i < kOperations; ++i) steps[i] += other.steps[i];
  refusals += other.refusals;
  rollbacks += other.rollbacks;
  replayed += other.replayed;
  reevaluated += other.reevaluated;
  rows += other.rows;
  differing_bits += other.differing_bits;
}

std::string Tally::ToText() const {
  const int64_t all = AllSteps();
  std::string shares;
  for (int i = 0; i < kOperations; ++i) {
    if (steps[i] == 0) continue;
    const double tenths =
        1000.0 * static_cast<double>(steps[i]) / static_cast<double>(all);
    shares +=
        Format(" {} {}.{}", NameOf(static_cast<Operation>(i)),
               static_cast<int>(tenths) / 10, static_cast<int>(tenths) % 10);
  }
  return Format(
      "{} programs, {} steps (at least {}), {} tokens (at least {}), {} rows "
      "compared, {} rollbacks "
      "({} positions replayed, {} evaluated again), {} refusals, {} differing "
      "bits; steps in %:{}",
      programs, all, least_steps, tokens, least_tokens, rows, rollbacks,
      replayed, reevaluated, refusals, differing_bits, shares);
}

Run::Run(const Subject& subject, Alone& oracle)
    : subject_(&subject), oracle_(&oracle) {}

Run::~Run() {
  for (const auto& archive : archives_) {
    if (archive && !archive->path.empty()) {
      std::filesystem::remove(archive->path);
    }
  }
}

bool Run::Start(const EngineOptions& options) {
  tally_.programs = 1;
  auto engine = subject_->make(options);
  if (!engine.ok()) return Fail("no engine: " + engine.error().message);
  engine_ = std::move(*engine);
  world_.emplace(*subject_, engine_->options());
  return CheckState();
}

bool Run::Do(const Step& step) {
  ++tally_.steps[static_cast<int>(step.operation)];
  return DoStep(step) && CheckState();
}

bool Run::DoStep(const Step& step) {
  const auto for_all = [&](auto operation) {
    return std::all_of(step.sequences.begin(), step.sequences.end(), operation);
  };
  const SequenceId first = step.sequences.empty() ? 0 : step.sequences.front();
  switch (step.operation) {
    case Operation::kDecode:
    case Operation::kPool:
      return Decode(CallOf(step));
    case Operation::kSample:
      return Sample(step);
    case Operation::kSpeculate:
      return Speculate(step);
    case Operation::kCancel:
      return Cancel(step);
    case Operation::kFork:
      return Fork(step.sequences[0], step.sequences[1]);
    case Operation::kRemove:
      return for_all([&](SequenceId id) { return Remove(id, 0); });
    case Operation::kKeep:
      return Keep(first);
    case Operation::kRollback:
      if (!world_->Exists(first)) return Remove(first, 1);
      return Remove(first, std::max(0, (*world_)[first].length() - step.count));
    case Operation::kCheckpoint:
      return for_all([&](SequenceId id) { return Checkpoint(id); });
    case Operation::kLastLogits:
      for (SequenceId id = 0; id < world_->sequences(); ++id) {
        if (!CheckLastLogits(id)) return false;
      }
      return true;
    case Operation::kSave:
      return Save(step);
    case Operation::kRestore:
      return Restore(step);
    case Operation::kMove:
      return Move(step);
    case Operation::kReconfigure:
      return Reconfigure(step.options);
    case Operation::kRefused:
      return Refused(step);
  }
  return false;
}

Run::Call Run::CallOf(const Step& step) const {
  std::vector<Position> next;
  for (SequenceId id = 0; id < world_->sequences(); ++id) {
    next.push_back((*world_)[id].length());
  }
  std::vector<std::vector<Entry>> entries;
  for (const Piece& piece : step.pieces) {
    std::vector<Entry>& of_piece = entries.emplace_back();
    const size_t count = piece.tokens.size();
    const SequenceId first =
        piece.sequences.empty() ? -1 : piece.sequences.front();
    Position position = world_->Exists(first) ? next[first] : 0;
    for (size_t i = 0; i < count; ++i) {
      const bool wanted =
          piece.all || i + 1 == count || piece.want == Want::kPooled;
      Entry& entry = of_piece.emplace_back();
      entry = {.token = piece.tokens[i],
               .position = position++,
               .sequences = piece.sequences,
               .want = wanted ? piece.want : Want::kNothing};
      if (entry.want != Want::kScore) continue;
      // One for each sequence, as if they parted here.
      for (size_t j = 1; j <= std::max<size_t>(1, entry.sequences.size());
           ++j) {
        entry.targets.push_back(piece.tokens[(i + j) % count]);
      }
    }
    for (const SequenceId id : piece.sequences) {
      if (world_->Exists(id)) next[id] = position;
    }
  }
  Call call{.texts = step.texts, .entries = {}};
  std::vector<size_t> given(entries.size(), 0);
  for (const size_t piece : Interleaved(step)) {
    call.entries.push_back(entries[piece][given[piece]++]);
  }
  return call;
}

bool Run::Decode(const Call& call, int asks, Call* rest) {
  const Judgement judgement = world_->OfBatch(call.entries, call.texts);
  bool cancelled = false;
  const std::function<bool()> ask = [&] {
    cancelled = asks-- == 0;
    return cancelled;
  };
  const Batch batch = BatchOf(call.entries, call.texts);
  const Status status =
      engine_->Decode(batch, asks >= 0 ? ask : std::function<bool()>());
  if (status.ok() && cancelled) return Fail("the cancel was not heard");
  if (!cancelled && !Agrees("Decode", judgement, status)) return false;
  if (cancelled && judgement.verdict == Judgement::kRefused) {
    return Fail("a batch was begun although " + judgement.why);
  }
  if (!status.ok() && !cancelled) return true;
  Call done = call;
  Call undone;
  if (cancelled && !SortOut(call, done, undone)) return false;
  for (const Text& text : done.texts) {
    world_->SetText(text);
    tally_.tokens += static_cast<int64_t>(text.tokens.size());
  }
  world_->Append(done.entries);
  tally_.tokens += static_cast<int64_t>(done.entries.size());
  if (rest != nullptr) *rest = std::move(undone);
  return CheckOutputs(call.entries);
}

bool Run::SortOut(const Call& call, Call& done, Call& rest) {
  done = {};
  for (const Text& text : call.texts) {
    size_t have = 0;
    for (const SequenceId id : text.sequences) {
      have += engine_->EncoderTokens(id) > 0;
    }
    if (have != 0 && have != text.sequences.size()) {
      return Fail("some sequences of a text have it after a cancel");
    }
    (have > 0 ? done : rest).texts.push_back(text);
  }
  for (const Entry& entry : call.entries) {
    size_t have = 0;
    for (const SequenceId id : entry.sequences) {
      have += engine_->NextPosition(id) > entry.position;
    }
    if (have != 0 && have != entry.sequences.size()) {
      return Fail("some sequences of a token have it after a cancel");
    }
    (have > 0 ? done : rest).entries.push_back(entry);
  }
  return true;
}

bool Run::Sample(const Step& step) {
  const KvType kv_type = world_->options().kv_type;
  for (int i = 0; i < step.count; ++i) {
    Call call;
    for (const SequenceId id : step.sequences) {
      if (!world_->Exists(id) || !(*world_)[id].last_known) continue;
      const Sequence& sequence = (*world_)[id];
      if (!CheckLastLogits(id)) return false;
      SamplingParams params;
      params.seed = step.shuffle;
      params.repeat_penalty = 1.1f;
      const TokenId token = SampleToken(engine_->LastLogits(id),
                                        engine_->Tokens(id), params, sampling_);
      const Row& alone =
          *oracle_->Logits(kv_type, sequence.text, sequence.tokens).back();
      if (token != SampleToken(alone, sequence.tokens, params, sampling_)) {
        return Fail(Format("sequence {} was sampled differently", id));
      }
      call.entries.push_back(
          {.token = token,
           .position = sequence.length(),
           .sequences = {id},
           .want = sequence.pooled ? Want::kPooled : Want::kLogits});
    }
    if (!call.entries.empty() && !Decode(call)) return false;
  }
  return true;
}

bool Run::Speculate(const Step& step) {
  if (!Decode(CallOf(step))) return false;
  for (const Piece& piece : step.pieces) {
    for (const SequenceId id : piece.sequences) {
      if (!world_->Exists(id)) continue;
      const int rejected =
          std::min(step.count, static_cast<int>(piece.tokens.size()));
      const Position begin = (*world_)[id].length() - rejected;
      if (!Remove(id, std::max(0, begin))) return false;
    }
  }
  return true;
}

bool Run::Cancel(const Step& step) {
  Call rest;
  if (!Decode(CallOf(step), step.count, &rest)) return false;
  const bool left = !rest.entries.empty() || !rest.texts.empty();
  if (!step.resume || !left) return true;
  return CheckState() && Decode(rest);
}

bool Run::Fork(SequenceId from, SequenceId to) {
  const Status status = engine_->Fork(from, to);
  const Judgement judgement = world_->OfFork(from, to);
  if (!Agrees(Format("Fork({}, {})", from, to), judgement, status)) {
    return false;
  }
  if (status.ok()) world_->Fork(from, to);
  return true;
}

bool Run::Remove(SequenceId sequence, Position begin) {
  const Judgement judgement = world_->OfRemoval(sequence, begin);
  const auto removal = engine_->Remove(sequence, begin, -1);
  const Status status = removal.ok() ? Status() : Status(removal.error());
  if (!Agrees(Format("Remove({}, {}, -1)", sequence, begin), judgement,
              status)) {
    return false;
  }
  if (!status.ok()) return true;
  if (!CheckRemoval((*world_)[sequence], begin, judgement, *removal)) {
    return false;
  }
  world_->Remove(sequence, begin, *removal);
  return true;
}

bool Run::Keep(SequenceId sequence) {
  const Status status = engine_->Keep(sequence);
  if (!world_->Exists(sequence)) {
    return !status.ok() || Fail("Keep of no sequence was accepted");
  }
  if (!status.ok()) return Fail("Keep was refused: " + status.error().message);
  for (SequenceId id = 0; id < world_->sequences(); ++id) {
    if (id != sequence) world_->Release(id);
  }
  return true;
}

bool Run::Checkpoint(SequenceId sequence) {
  const Status status = engine_->Checkpoint(sequence);
  if (!Agrees(Format("Checkpoint({})", sequence),
              world_->OfCheckpoint(sequence), status)) {
    return false;
  }
  if (status.ok()) world_->Checkpoint(sequence);
  return true;
}

bool Run::Save(const Step& step) {
  auto archive = MakeArchive(*engine_, step, step.archive);
  const Status status = archive.ok() ? Status() : Status(archive.error());
  if (!Agrees("Save", world_->OfSave(step.sequences), status)) return false;
  if (status.ok()) archives_[step.archive] = std::move(*archive);
  return true;
}

bool Run::Restore(const Step& step) {
  if (!Has(step.archive)) return true;
  const Archive& archive = *archives_[step.archive];
  const auto& saved = archive.content.sequences;
  World::Ids ids = step.ids;
  if (step.only >= 0 && saved.size() == 1) {
    ids = {{saved.begin()->first, step.only}};
  }
  Judgement judgement = world_->OfRestore(archive.content, ids);
  if (step.only >= 0 && saved.size() != 1) {
    judgement = {.verdict = Judgement::kRefused, .why = "not one sequence"};
  }
  const auto restored = RestoreArchive(
      *engine_, archive, {.ids = step.ids, .only_sequence_to = step.only});
  const Status status = restored.ok() ? Status() : Status(restored.error());
  if (!Agrees("Restore", judgement, status)) return false;
  if (!status.ok()) return true;
  return restored->sequences == world_->Restore(archive.content, ids) ||
         Fail("Restore names other sequences than it was asked for");
}

bool Run::Move(const Step& step) {
  auto engine = subject_->make(step.options);
  if (!engine.ok()) return Fail("no engine: " + engine.error().message);
  World world(*subject_, (*engine)->options());
  Step whole = step;
  whole.sequences.clear();
  auto archive = MakeArchive(*engine_, whole, kArchives);
  if (!archive.ok()) return Fail("not saved: " + archive.error().message);
  World::Ids ids;
  SequenceId last = step.options.max_sequences;
  for (const auto& [id, sequence] : archive->content.sequences) {
    if (step.renamed) ids.push_back({id, --last});
  }
  const Judgement judgement = world.OfRestore(archive->content, ids);
  const auto restored = RestoreArchive(**engine, *archive, {.ids = ids});
  if (!archive->path.empty()) std::filesystem::remove(archive->path);
  const Status status = restored.ok() ? Status() : Status(restored.error());
  if (!Agrees("Restore elsewhere", judgement, status)) return false;
  if (!status.ok()) return true;
  if (restored->sequences != world.Restore(archive->content, ids)) {
    return Fail("Restore elsewhere names other sequences");
  }
  engine_ = std::move(*engine);
  world_ = std::move(world);
  return true;
}

bool Run::Reconfigure(const EngineOptions& options) {
  const Status status =
      engine_->Reconfigure(options.threads, options.max_ubatch, options.split);
  if (!Agrees("Reconfigure", world_->OfReconfiguration(options), status)) {
    return false;
  }
  if (status.ok()) world_->Reconfigure(options);
  return true;
}

Result<Run::Archive> Run::MakeArchive(Engine& engine, const Step& step,
                                      int number) {
  Archive archive{.content = world_->Save(step.sequences)};
  if (step.file) {
    archive.path = ArchivePath(number);
    const Status status = engine.Save(archive.path, step.sequences);
    if (!status.ok()) return status.error();
    return archive;
  }
  auto bytes = engine.SaveToMemory(step.sequences);
  if (!bytes.ok()) return bytes.error();
  archive.bytes = std::move(*bytes);
  return archive;
}

Result<Restored> Run::RestoreArchive(Engine& engine, const Archive& archive,
                                     const RestoreOptions& restore) const {
  if (!archive.path.empty()) return engine.Restore(archive.path, restore);
  return engine.RestoreFromMemory(archive.bytes, restore);
}

bool Run::Refused(const Step& step) {
  Call call = CallOf(step);
  if (!MakeWrong(step.wrong, call)) {
    return !WrongCall(step).ok() ||
           Fail(Format("accepted: {}", NameOf(step.wrong)));
  }
  const Status status = engine_->Decode(BatchOf(call.entries, call.texts));
  return !status.ok() ||
         Fail(Format("a batch was accepted: {}", NameOf(step.wrong)));
}

bool Run::MakeWrong(Wrong wrong, Call& call) const {
  const Position next = (*world_)[0].length();
  Entry entry{.token = 1, .position = next, .sequences = {0}};
  switch (wrong) {
    case Wrong::kNoTokens:
      call = {};
      return true;
    case Wrong::kTokenOutside:
      entry.token = subject_->info().vocabulary_size;
      break;
    case Wrong::kSequenceOutside:
      entry.sequences = {0, world_->sequences()};
      break;
    case Wrong::kPositionAhead:
      entry.position += 1 + static_cast<Position>(call.entries.size());
      break;
    case Wrong::kPositionBehind:
      entry.position = next - 1;
      break;
    case Wrong::kSequenceTwice:
      entry.sequences = {0, 0};
      break;
    case Wrong::kNoSequence:
      entry.sequences.clear();
      break;
    case Wrong::kTargetOutside:
      entry.want = Want::kScore;
      entry.targets = {-1};
      break;
    case Wrong::kTooManyTokens:
      for (int i = 0; i <= world_->options().max_batch; ++i) {
        call.entries.push_back(entry);
        ++entry.position;
      }
      return true;
    default:
      return false;
  }
  call.entries.push_back(entry);
  return true;
}

Status Run::WrongCall(const Step& step) {
  const auto status_of = [](const auto& result) {
    return result.ok() ? Status() : Status(result.error());
  };
  const SequenceId outside = world_->sequences();
  switch (step.wrong) {
    case Wrong::kForkOutside:
      return engine_->Fork(0, outside);
    case Wrong::kRemoveMiddle:
      for (SequenceId id = 0; id < outside; ++id) {
        if ((*world_)[id].length() < 3) continue;
        return status_of(engine_->Remove(id, 1, 2));
      }
      return status_of(engine_->Remove(0, -1, -1));
    case Wrong::kReconfigureToNothing:
      return engine_->Reconfigure(1, 0, world_->options().split);
    case Wrong::kRestoreDamaged:
    case Wrong::kRestoreCut:
    case Wrong::kRestoreUnknown: {
      auto bytes = engine_->SaveToMemory();
      if (!bytes.ok()) return bytes.error();
      const size_t at = static_cast<size_t>(step.count) % bytes->size();
      if (step.wrong == Wrong::kRestoreUnknown) {
        return status_of(
            engine_->RestoreFromMemory(*bytes, {.ids = {{outside, 0}}}));
      }
      if (step.wrong == Wrong::kRestoreCut) bytes->resize(at);
      if (step.wrong == Wrong::kRestoreDamaged) (*bytes)[at] ^= std::byte{4};
      return status_of(engine_->RestoreFromMemory(*bytes));
    }
    default:
      return status_of(engine_->Remove(outside, 0, -1));
  }
}

}  // namespace braid::programs
