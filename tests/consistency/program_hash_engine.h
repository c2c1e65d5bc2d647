// HashEngine: an engine without a model, whose rows are hashes of a sequence's
// tokens, and which can have a fault. Shows that programs find faults, and that
// what they are shrunk to is small.
#ifndef BRAID_TESTS_CONSISTENCY_PROGRAM_HASH_ENGINE_H_
#define BRAID_TESTS_CONSISTENCY_PROGRAM_HASH_ENGINE_H_

#include "tests/consistency/program_subject.h"

namespace braid::programs {

enum class Fault {
  kNone,
  kForkNotCopied,   // a fork goes on with what the first is given next
  kRollbackShort,   // a rollback forgets one token too few
  kRestoreSwaps,    // two sequences of an archive change places
  kRefusedBegins,   // a refused batch leaves its first token behind
  kCancelForgets,   // the last token before a cancel is lost from the state
  kSharedSeesLast,  // a shared token counts twice for the last of its sequences
  kPooledByCall,    // pooling begins anew with every call
};

// A model of which nothing but its ModelInfo exists, and its engines.
Subject MakeHashSubject(Fault fault);

}  // namespace braid::programs

#endif  // BRAID_TESTS_CONSISTENCY_PROGRAM_HASH_ENGINE_H_
