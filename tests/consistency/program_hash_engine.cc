#include "tests/consistency/program_hash_engine.h"

#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/random.h"
#include "sampling/log_probability.h"
#include "tests/consistency/program_oracle.h"
#include "tests/consistency/program_world.h"

namespace braid::programs {

namespace {

constexpr int kVocabulary = 40;
constexpr int kWidth = 3;

class HashModel : public Model {
 public:
  HashModel() {
    info_.vocabulary_size = kVocabulary;
    info_.width = kWidth;
    info_.trained_context = 4096;
  }
  const ModelInfo& info() const override { return info_; }
  const Tokenizer& tokenizer() const override { BRAID_CHECK(false); }

 private:
  ModelInfo info_;
};

// What a sequence has beside what the world knows.
struct State {
  uint64_t hash = 0;
  std::vector<double> sums;  // of pooled rows
  Row first, last;
  int rows = 0;
};

using States = std::vector<State>;

// An archive is a number: its content is here, for all engines of a subject.
struct Archives {
  struct Content {
    Archived archived;
    States states;
  };
  std::vector<Content> contents;
};

Row RowOf(uint64_t hash, int size) {
  Row row(static_cast<size_t>(size));
  for (size_t i = 0; i < row.size(); ++i) {
    row[i] = static_cast<float>(RandomUniform(hash, 1, i));
  }
  return row;
}

class HashEngine : public Engine {
 public:
  HashEngine(const Subject& subject, const EngineOptions& options, Fault fault,
             std::shared_ptr<Archives> archives)
      : subject_(subject),
        fault_(fault),
        archives_(std::move(archives)),
        world_(subject_, options),
        states_(static_cast<size_t>(options.max_sequences)) {}

  Status Decode(const Batch& batch,
                const std::function<bool()>& cancelled) override {
    const std::vector<Entry> entries = EntriesOf(batch);
    const Judgement judgement = world_.OfBatch(entries, {});
    if (judgement.verdict == Judgement::kRefused) {
      const bool first_is_right =
          entries.size() > 1 &&
          world_.OfBatch(std::span(entries).first(1), {}).verdict !=
              Judgement::kRefused;
      if (fault_ == Fault::kRefusedBegins && first_is_right) Add(entries[0]);
      return Error{judgement.why};
    }
    rows_.assign(entries.size(), {});
    wants_.clear();
    for (const Entry& entry : entries) wants_.push_back(entry.want);
    targets_.clear();
    for (const Entry& entry : entries) targets_.push_back(entry.targets);
    if (fault_ == Fault::kPooledByCall) {
      for (const Entry& entry : entries) states_[entry.sequences[0]].rows = 0;
    }
    const size_t step = static_cast<size_t>(world_.options().max_ubatch);
    for (size_t begin = 0; begin < entries.size(); begin += step) {
      if (cancelled && cancelled()) {
        const bool forgets = fault_ == Fault::kCancelForgets && begin > 0;
        if (forgets) ++states_[entries[begin - 1].sequences[0]].hash;
        return Error{"cancelled"};
      }
      for (size_t i = begin; i < std::min(begin + step, entries.size()); ++i) {
        rows_[i] = Add(entries[i]);
      }
    }
    return {};
  }

  std::span<const float> Logits(int entry) const override {
    if (wants_[entry] != Want::kLogits) return {};
    return rows_[entry].logits;
  }
  std::span<const float> Hidden(int entry) const override {
    if (wants_[entry] != Want::kHidden) return {};
    return rows_[entry].hidden;
  }
  double LogProbability(int entry, int target) const override {
    if (wants_[entry] != Want::kScore || rows_[entry].logits.empty()) {
      return std::numeric_limits<double>::quiet_NaN();
    }
    return braid::LogProbability(rows_[entry].logits, targets_[entry][target]);
  }
  std::span<const float> Embedding(SequenceId sequence) const override {
    const State& state = states_[sequence];
    if (!world_[sequence].pooled || world_[sequence].empty()) return {};
    if (world_.options().pooling == Pooling::kFirst) return state.first;
    if (world_.options().pooling == Pooling::kLast) return state.last;
    mean_.clear();
    for (const double sum : state.sums) {
      mean_.push_back(static_cast<float>(sum / state.rows));
    }
    return mean_;
  }
  std::span<const float> LastLogits(SequenceId sequence) override {
    if (!world_[sequence].last_known) return {};
    last_ = RowOf(states_[sequence].hash, kVocabulary);
    return last_;
  }
  int EncoderTokens(SequenceId /*sequence*/) const override { return 0; }
  Position NextPosition(SequenceId sequence) const override {
    return world_[sequence].length();
  }
  std::span<const TokenId> Tokens(SequenceId sequence) const override {
    return world_[sequence].tokens;
  }
  Position SharedPositions(SequenceId a, SequenceId b) const override {
    return world_.Shared(a, b);
  }

  Status Fork(SequenceId from, SequenceId to) override {
    const Judgement judgement = world_.OfFork(from, to);
    if (judgement.verdict == Judgement::kRefused) return Error{judgement.why};
    world_.Fork(from, to);
    states_[to] = states_[from];
    if (from != to) forked_ = {from, to};
    return {};
  }
  Result<Removal> Remove(SequenceId sequence, Position begin,
                         Position end) override {
    const Judgement judgement = world_.OfRemoval(sequence, begin);
    if (judgement.verdict != Judgement::kAccepted) return Error{judgement.why};
    const Position length = world_[sequence].length();
    if (end >= 0 && end < length) return Error{"only an end piece"};
    const Removal removal{.reevaluated = judgement.most_reevaluated};
    world_.Remove(sequence, begin, removal);
    if (begin > 0 && begin < length) {
      const Position kept =
          begin + (fault_ == Fault::kRollbackShort && begin > 3 ? -1 : 0);
      states_[sequence] = Rebuilt(sequence, kept);
    }
    if (begin == 0) states_[sequence] = {};
    return removal;
  }
  Status Keep(SequenceId sequence) override {
    if (!world_.Exists(sequence)) return Error{"no such sequence"};
    for (SequenceId id = 0; id < world_.sequences(); ++id) {
      if (id == sequence) continue;
      world_.Release(id);
      states_[id] = {};
    }
    return {};
  }
  Status Checkpoint(SequenceId sequence) override {
    if (!world_.Exists(sequence)) return Error{"no such sequence"};
    world_.Checkpoint(sequence);
    return {};
  }

  Status Save(const std::string& path,
              std::span<const SequenceId> sequences) const override {
    const auto bytes = SaveToMemory(sequences);
    if (!bytes.ok()) return bytes.error();
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes->data()),
               static_cast<std::streamsize>(bytes->size()));
    return {};
  }
  Result<std::vector<std::byte>> SaveToMemory(
      std::span<const SequenceId> sequences) const override {
    const Judgement judgement = world_.OfSave(sequences);
    if (judgement.verdict == Judgement::kRefused) return Error{judgement.why};
    const uint64_t number = archives_->contents.size();
    archives_->contents.push_back({world_.Save(sequences), states_});
    const uint64_t words[] = {number, MixBits(number)};
    std::vector<std::byte> bytes(sizeof words);
    std::memcpy(bytes.data(), words, sizeof words);
    return bytes;
  }
  Result<Restored> Restore(const std::string& path,
                           const RestoreOptions& restore) override {
    std::vector<std::byte> bytes(16);
    std::ifstream(path, std::ios::binary)
        .read(reinterpret_cast<char*>(bytes.data()), 16);
    return RestoreFromMemory(bytes, restore);
  }
  Result<Restored> RestoreFromMemory(std::span<const std::byte> archive,
                                     const RestoreOptions& restore) override {
    uint64_t words[2] = {};
    std::memcpy(words, archive.data(), std::min(archive.size(), sizeof words));
    if (archive.size() != sizeof words || words[1] != MixBits(words[0])) {
      return Error{"damaged"};
    }
    const auto& [archived, states] = archives_->contents[words[0]];
    World::Ids ids = restore.ids;
    if (restore.only_sequence_to >= 0) {
      if (archived.sequences.size() != 1) return Error{"not one sequence"};
      ids = {{archived.sequences.begin()->first, restore.only_sequence_to}};
    }
    const bool all = ids.empty();
    const Judgement judgement = world_.OfRestore(archived, ids);
    if (judgement.verdict == Judgement::kRefused) return Error{judgement.why};
    const auto restored = world_.Restore(archived, ids);
    if (all) states_.assign(states_.size(), {});
    for (const auto& [id, sequence] : archived.sequences) {
      if (all) ids.push_back({id, id});
    }
    for (const auto& [from, to] : ids) states_[to] = states[from];
    if (fault_ == Fault::kRestoreSwaps && ids.size() > 1) {
      std::swap(states_[ids[0].second], states_[ids[1].second]);
    }
    return Restored{.sequences = restored, .bytes = 16};
  }
  Status Reconfigure(int threads, int max_ubatch, SplitPolicy split) override {
    EngineOptions options = world_.options();
    options.threads = threads;
    options.max_ubatch = max_ubatch;
    options.split = split;
    const Judgement judgement = world_.OfReconfiguration(options);
    if (judgement.verdict == Judgement::kRefused) return Error{judgement.why};
    world_.Reconfigure(options);
    return {};
  }

  const Model& model() const override { return *subject_.model; }
  const EngineOptions& options() const override { return world_.options(); }
  MemoryUse memory_use() const override { return {}; }

 private:
  struct Output {
    Row logits, hidden;
  };

  static std::vector<Entry> EntriesOf(const Batch& batch) {
    std::vector<Entry> entries;
    for (int i = 0; i < batch.size(); ++i) {
      const auto sequences = batch.Sequences(i);
      Entry& entry = entries.emplace_back();
      entry = {.token = batch[i].token,
               .position = batch[i].position,
               .sequences = {sequences.begin(), sequences.end()},
               .want = batch[i].want};
      if (entry.want != Want::kScore) continue;
      entry.targets = {batch[i].target};
      const auto more = batch.MoreTargets(i);
      entry.targets.insert(entry.targets.end(), more.begin(), more.end());
    }
    return entries;
  }

  static void Advance(State& state, TokenId token) {
    state.hash = MixBits(state.hash ^ static_cast<uint64_t>(token + 1));
    const Row row = RowOf(state.hash + 1, kWidth);
    if (state.rows++ == 0) {
      state.first = row;
      state.sums.assign(kWidth, 0.0);
    }
    state.last = row;
    for (size_t i = 0; i < row.size(); ++i) state.sums[i] += row[i];
  }

  State Rebuilt(SequenceId sequence, Position length) const {
    State state;
    for (Position i = 0; i < length; ++i) {
      Advance(state, world_[sequence].tokens[i]);
    }
    return state;
  }

  Output Add(const Entry& entry) {
    world_.Append(std::span(&entry, 1));
    for (const SequenceId id : entry.sequences) {
      Advance(states_[id], entry.token);
    }
    const SequenceId first = entry.sequences.front();
    const SequenceId last = entry.sequences.back();
    if (fault_ == Fault::kSharedSeesLast && first != last) {
      Advance(states_[last], entry.token);
    }
    if (forked_.first == first) {
      if (fault_ == Fault::kForkNotCopied) {
        Advance(states_[forked_.second], entry.token);
      }
      forked_ = {-1, -1};
    }
    const uint64_t hash = states_[first].hash;
    return {RowOf(hash, kVocabulary), RowOf(hash + 1, kWidth)};
  }

  Subject subject_;
  Fault fault_;
  std::shared_ptr<Archives> archives_;
  World world_;
  States states_;
  std::pair<SequenceId, SequenceId> forked_ = {-1, -1};
  std::vector<Output> rows_;
  std::vector<Want> wants_;
  std::vector<std::vector<TokenId>> targets_;
  mutable Row mean_;
  Row last_;
};

}  // namespace

Subject MakeHashSubject(Fault fault) {
  Subject subject;
  subject.name = "hash";
  subject.model = std::make_shared<HashModel>();
  const auto archives = std::make_shared<Archives>();
  subject.make =
      [subject, fault, archives](
          const EngineOptions& options) -> Result<std::unique_ptr<Engine>> {
    return std::unique_ptr<Engine>(
        std::make_unique<HashEngine>(subject, options, fault, archives));
  };
  return subject;
}

}  // namespace braid::programs
