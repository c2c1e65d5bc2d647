// Program: what an engine is put through, as plain data.
//
// A step names sequences by their ids and tokens by their numbers, but no
// positions: those follow from what a sequence holds when the step is run. So
// any step can be dropped or made smaller, and the rest still means something;
// what no longer makes sense must be refused, which is a result like any other.
#ifndef BRAID_TESTS_CONSISTENCY_PROGRAM_H_
#define BRAID_TESTS_CONSISTENCY_PROGRAM_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/engine.h"

namespace braid::programs {

enum class Operation {
  kDecode,       // pieces, with the texts that they need
  kPool,         // the same with Want::kPooled
  kSample,       // `count` tokens for each of `sequences`, drawn and appended
  kSpeculate,    // pieces, of which the last `count` tokens are rejected
  kCancel,       // pieces; cancelled when asked for the `count`th time
  kFork,         // sequences[0] into sequences[1]
  kRemove,       // each of `sequences`, whole
  kKeep,         // sequences[0]
  kRollback,     // the last `count` tokens of sequences[0]
  kCheckpoint,   // each of `sequences`
  kLastLogits,   // of every sequence
  kSave,         // `sequences` (none: all) into archive `archive`
  kRestore,      // `ids` (none: all) of archive `archive`, in the same engine
  kMove,         // everything through an archive into an engine with `options`
  kReconfigure,  // threads, max_ubatch and split of `options`
  kRefused,      // `wrong`, after pieces that are right
};
inline constexpr int kOperations = 16;
std::string_view NameOf(Operation operation);

// Calls that must be refused whatever the engine holds.
enum class Wrong {
  kNoTokens,
  kTokenOutside,
  kSequenceOutside,
  kPositionAhead,
  kPositionBehind,
  kSequenceTwice,
  kNoSequence,
  kTargetOutside,
  kTooManyTokens,
  kForkOutside,
  kRemoveMiddle,
  kRemoveOutside,
  kReconfigureToNothing,
  kRestoreDamaged,
  kRestoreCut,
  kRestoreUnknown,
};
inline constexpr int kWrongs = 16;
std::string_view NameOf(Wrong wrong);

// Tokens for the same sequences.
struct Piece {
  std::vector<SequenceId> sequences;
  std::vector<TokenId> tokens;
  Want want = Want::kLogits;
  // Every token is wanted so; otherwise the last alone (kPooled: always all).
  bool all = false;
};

// A text for the encoder.
struct Text {
  std::vector<SequenceId> sequences;
  std::vector<TokenId> tokens;
};

struct Step {
  Operation operation = Operation::kDecode;
  std::vector<Text> texts = {};
  std::vector<Piece> pieces = {};
  // How the pieces are interleaved; 0: one after another.
  uint64_t shuffle = 0;
  std::vector<SequenceId> sequences = {};
  int count = 0;
  bool resume = false;   // kCancel: the rest is given again at once
  bool file = false;     // archives: in a file; otherwise in memory
  bool renamed = false;  // kMove: sequence i becomes the i-th from the end
  int archive = 0;
  std::vector<std::pair<SequenceId, SequenceId>> ids = {};
  SequenceId only = -1;  // kRestore: RestoreOptions::only_sequence_to
  EngineOptions options = {};
  Wrong wrong = Wrong::kNoTokens;
};

inline constexpr int kArchives = 3;

struct Program {
  EngineOptions options;
  std::vector<Step> steps;
};

// One line of C++ for each step.
std::string ToText(const Program& program);
std::string ToText(const Step& step);
std::string ToText(const EngineOptions& options);

}  // namespace braid::programs

#endif  // BRAID_TESTS_CONSISTENCY_PROGRAM_H_
