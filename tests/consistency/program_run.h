// Run: a program on an engine, step by step, beside the world that says what
// the engine must hold and the oracle that says what it must answer.
#ifndef BRAID_TESTS_CONSISTENCY_PROGRAM_RUN_H_
#define BRAID_TESTS_CONSISTENCY_PROGRAM_RUN_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "braid/engine.h"
#include "braid/sampling.h"
#include "tests/consistency/program.h"
#include "tests/consistency/program_oracle.h"
#include "tests/consistency/program_subject.h"
#include "tests/consistency/program_world.h"

namespace braid::programs {

// What was done, over any number of programs.
struct Tally {
  int64_t programs = 0;
  // Of the program that has fewest; set by Add.
  int64_t least_steps = 0;
  int64_t least_tokens = 0;
  int64_t tokens = 0;  // evaluated, the encoder's too
  std::array<int64_t, kOperations> steps = {};
  int64_t refusals = 0;  // that were right, without those of kRefused
  int64_t rollbacks = 0;
  int64_t replayed = 0;  // positions
  int64_t reevaluated = 0;
  int64_t rows = 0;  // compared
  int64_t differing_bits = 0;

  int64_t AllSteps() const;
  void Add(const Tally& other);
  // The line for people; every share, in percent.
  std::string ToText() const;
};

class Run {
 public:
  // References are kept.
  Run(const Subject& subject, Alone& oracle);
  ~Run();

  // To be called first.
  bool Start(const EngineOptions& options);
  // False: the engine is wrong, and failure() says how. No step may follow.
  bool Do(const Step& step);

  const World& world() const { return *world_; }
  // Does archive `index` hold anything?
  bool Has(int index) const { return archives_[index].has_value(); }
  const std::string& failure() const { return failure_; }
  const Tally& tally() const { return tally_; }

 private:
  struct Call {
    std::vector<Text> texts;
    std::vector<Entry> entries;
  };
  struct Archive {
    Archived content;
    std::vector<std::byte> bytes = {};
    std::string path = {};  // not empty: there instead
  };

  bool DoStep(const Step& step);
  bool Sample(const Step& step);
  bool Speculate(const Step& step);
  bool Cancel(const Step& step);
  bool Fork(SequenceId from, SequenceId to);
  bool Remove(SequenceId sequence, Position begin);
  bool Keep(SequenceId sequence);
  bool Checkpoint(SequenceId sequence);
  bool Save(const Step& step);
  bool Restore(const Step& step);
  bool Move(const Step& step);
  bool Reconfigure(const EngineOptions& options);
  bool Refused(const Step& step);
  // The calls of Refused that are not batches; kAccepted there is a failure.
  Status WrongCall(const Step& step);
  // Adds what is wrong about the batch. False: `wrong` is not about a batch.
  bool MakeWrong(Wrong wrong, Call& call) const;

  // Texts and pieces, interleaved, with their positions.
  Call CallOf(const Step& step) const;
  // asks >= 0: to be cancelled when asked once more than that; what is left
  // undone is put into `rest`.
  bool Decode(const Call& call, int asks = -1, Call* rest = nullptr);
  // Finds out what was done before a cancel.
  bool SortOut(const Call& call, Call& done, Call& rest);
  // The outputs of the entries of the last Decode; undone ones have none.
  bool CheckOutputs(std::span<const Entry> entries);
  // Everything that the engine says of its sequences.
  bool CheckState();
  bool CheckSequence(SequenceId sequence);
  bool CheckEmbedding(SequenceId sequence);
  bool CheckLastLogits(SequenceId sequence);
  bool CheckRemoval(const Sequence& before, Position begin,
                    const Judgement& judgement, const Removal& removal);

  Result<Archive> MakeArchive(Engine& engine, const Step& step, int number);
  Result<Restored> RestoreArchive(Engine& engine, const Archive& archive,
                                  const RestoreOptions& restore) const;

  bool Fail(std::string what);
  bool Agrees(const std::string& what, const Judgement& judgement,
              const Status& status);
  bool SameBits(const std::string& what, std::span<const float> is,
                std::span<const float> expected);

  const Subject* subject_;
  Alone* oracle_;
  std::unique_ptr<Engine> engine_;
  std::optional<World> world_;
  std::array<std::optional<Archive>, kArchives> archives_;
  // Embeddings that were computed, by the tokens.
  std::map<std::pair<Tokens, Tokens>, Row> embeddings_;
  SamplingScratch sampling_;
  std::string failure_;
  Tally tally_;
};

}  // namespace braid::programs

#endif  // BRAID_TESTS_CONSISTENCY_PROGRAM_RUN_H_
