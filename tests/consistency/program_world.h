// World: what an engine must hold after the steps of a program so far, and what
// it may refuse.
//
// Every position is named by the number of the computation that made it:
// sequences share what has the same number, and the limit on positions counts
// each number once. What the memory promises about going back is here in one
// place (OfRemoval). Says nothing about values; those are the oracle's.
#ifndef BRAID_TESTS_CONSISTENCY_PROGRAM_WORLD_H_
#define BRAID_TESTS_CONSISTENCY_PROGRAM_WORLD_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "braid/engine.h"
#include "tests/consistency/program.h"
#include "tests/consistency/program_subject.h"

namespace braid::programs {

struct Sequence {
  std::vector<TokenId> tokens;
  std::vector<int64_t> computed;  // [tokens] numbers
  std::vector<TokenId> text;      // of the encoder
  int64_t text_number = 0;
  bool pooled = false;
  bool last_known = false;  // LastLogits has an answer
  // It can go back to every position from here on without evaluating anything.
  Position floor = 0;
  // Checkpoints that cannot have been dropped, ascending.
  std::vector<Position> checkpoints;

  bool empty() const { return tokens.empty(); }
  Position length() const { return static_cast<Position>(tokens.size()); }
  int64_t tip() const { return computed.empty() ? 0 : computed.back(); }
};

// A batch entry with its position.
struct Entry {
  TokenId token = 0;
  Position position = 0;
  std::vector<SequenceId> sequences;
  Want want = Want::kNothing;
  std::vector<TokenId> targets = {};  // of kScore
};

struct Judgement {
  enum Verdict { kAccepted, kRefused, kEither };
  Verdict verdict = kAccepted;
  std::string why;           // of a refusal
  int most_reevaluated = 0;  // of a removal
};

// What an archive must hold.
struct Archived {
  std::map<SequenceId, Sequence> sequences;
  EngineOptions options;  // of the engine that wrote it
};

class World {
 public:
  using Ids = std::vector<std::pair<SequenceId, SequenceId>>;

  // `options` of the engine: nothing is left to be settled.
  World(const Subject& subject, const EngineOptions& options);

  const EngineOptions& options() const { return options_; }
  int sequences() const { return static_cast<int>(sequences_.size()); }
  const Sequence& operator[](SequenceId id) const { return sequences_[id]; }
  bool Exists(SequenceId id) const { return id >= 0 && id < sequences(); }
  Position Shared(SequenceId a, SequenceId b) const;
  // All sequences' positions, each computation once.
  int64_t positions() const;
  int64_t encoder_tokens() const;

  Judgement OfBatch(std::span<const Entry> entries,
                    std::span<const Text> texts) const;
  Judgement OfFork(SequenceId from, SequenceId to) const;
  Judgement OfRemoval(SequenceId sequence, Position begin) const;
  Judgement OfSave(std::span<const SequenceId> sequences) const;
  Judgement OfCheckpoint(SequenceId sequence) const;
  Judgement OfReconfiguration(const EngineOptions& options) const;
  Judgement OfRestore(const Archived& archive, const Ids& ids) const;

  // Those that were done; of a sequence the first of its entries.
  void Append(std::span<const Entry> entries);
  void SetText(const Text& text);
  void Fork(SequenceId from, SequenceId to);
  void Release(SequenceId sequence) { sequences_[sequence] = {}; }
  void Remove(SequenceId sequence, Position begin, const Removal& removal);
  void Checkpoint(SequenceId sequence);
  void Reconfigure(const EngineOptions& options);
  // Empty `sequences`: all that hold anything.
  Archived Save(std::span<const SequenceId> sequences) const;
  // The engine's sequences, ascending.
  std::vector<SequenceId> Restore(const Archived& archive, const Ids& ids);

 private:
  bool attention() const { return subject_->info().attention; }
  bool recurrent() const { return subject_->info().recurrent; }
  // Pooled rows go back to marks only.
  bool PooledByMarks(const Sequence& sequence) const;
  // The budget cannot have dropped one.
  bool CheckpointsStay() const;
  Judgement OfEntries(std::span<const Entry> entries,
                      std::span<const Text> texts) const;
  Judgement OfTexts(std::span<const Text> texts) const;
  // How far the first checkpoint at or before `begin` reaches.
  Judgement OfCheckpointsBefore(const Sequence& sequence, Position begin) const;
  Position FloorOfRestored(const Sequence& archived,
                           const EngineOptions& from) const;
  // Checkpoints by policy and the floor after positions up to `length`.
  void Grow(Sequence& sequence, Position length);

  const Subject* subject_;
  EngineOptions options_;
  std::vector<Sequence> sequences_;
  int64_t next_number_ = 1;
};

}  // namespace braid::programs

#endif  // BRAID_TESTS_CONSISTENCY_PROGRAM_WORLD_H_
