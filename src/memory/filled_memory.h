// FilledMemory: how much of what a HybridMemory reserves is memory when all its
// sequences are long. Computed from the sizes and the rules that the parts go
// by, in a time that depends neither on how long the sequences are nor on what
// they would take.
#ifndef BRAID_SRC_MEMORY_FILLED_MEMORY_H_
#define BRAID_SRC_MEMORY_FILLED_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "braid/result.h"
#include "memory/spec.h"

namespace braid {

// How the sequences have come to be so long: side by side, in batches of the
// same shape.
struct Filling {
  int64_t positions = 1;        // of each of the limits' sequences, at the end
  int64_t batch_tokens = 1;     // of a sequence that is in a batch
  int64_t batch_sequences = 1;  // that are in a batch
  int64_t run_tokens = 1;       // of a run in a ubatch
  int64_t runs = 1;             // of a ubatch
  int64_t text_tokens = 0;      // of each sequence's encoder text
};

// Bytes, whole pages of the system.
struct FilledMemory {
  size_t cells = 0;       // recurrent states, checkpoints included
  size_t pages = 0;       // keys and values
  size_t replay_log = 0;  // of recurrent layers
  size_t texts = 0;       // keys and values of encoder texts
  size_t books = 0;       // page tables, and who has what
  // What the first four are made of.
  int64_t cell_count = 0;
  std::vector<int64_t> groups = {};  // [page sets] the replay log comes last
  int64_t text_pages = 0;
};

// Errors: those of HybridMemory::Create that are not the system's; a sum
// overflows.
Result<FilledMemory> Fill(const MemorySpec& spec, const MemoryLimits& limits,
                          const Filling& filling);

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_FILLED_MEMORY_H_
