// Failures: what becomes of an engine when a resource that it asks for in the
// middle of a call is not there.
//
// For every operation, on a fresh engine that holds a few sequences: the n-th
// allocation, mapping or thread start fails, for n = 1, 2, ... until the
// operation passes fewer points. It must return an error, leave the engine as
// braid/engine.h promises, succeed when it is tried again, and then the engine
// must answer in the same bits as one that was never disturbed.
#ifndef BRAID_TESTS_CONSISTENCY_FAILURES_H_
#define BRAID_TESTS_CONSISTENCY_FAILURES_H_

#include <cstdint>
#include <string>

#include "tests/consistency/tiny_models.h"
#include "tests/support/failing_resources.h"

namespace braid {

enum class FailingOperation {
  kCreate,
  kDecode,  // prompts in several ubatches, and with them an encoder text
  kStep,    // a token for every sequence
  kScores,
  kFork,
  kRemove,  // a few positions of the end
  kRemoveFar,
  kKeep,
  kCheckpoint,
  kSave,
  kSaveFile,
  kRestore,
  kLastLogits,
  kReconfigure,
};

inline constexpr FailingOperation kLastFailingOperation =
    FailingOperation::kReconfigure;

std::string ToText(FailingOperation operation);

struct FailureTally {
  int64_t points = 0;   // that failed
  int64_t errors = 0;   // calls that returned an error
  std::string failure;  // what was wrong; empty: nothing

  void Add(const FailureTally& other);
};

// At most about `most_points` points are tried, evenly spread over all that the
// operation passes.
FailureTally FailOperation(TinyKind kind, FailingOperation operation,
                           Failing failing, int64_t most_points);

// The same of Model::Load, LoadTokenizer and Tokenizer::Encode with the GGUF
// file `path`; nothing may be different after a failure.
FailureTally FailLoading(const std::string& path, Failing failing,
                         int64_t most_points);

}  // namespace braid

#endif  // BRAID_TESTS_CONSISTENCY_FAILURES_H_
