// RestoredMemory: what sequences are to remember that come from an archive.
//
// Cells, groups of pages and encoder texts have numbers of their own here, from
// 0 on; what has the same number becomes the same thing of the memory.
#ifndef BRAID_SRC_MEMORY_RESTORED_MEMORY_H_
#define BRAID_SRC_MEMORY_RESTORED_MEMORY_H_

#include <cstdint>
#include <vector>

#include "base/run.h"
#include "braid/types.h"

namespace braid {

struct RestoredMemory {
  // Of one page set: an attention group of the memory or, last, the replay log.
  struct Pages {
    Position first = 0;  // that is kept; the length: none is
    // From the group of `first` on, in position order.
    std::vector<int32_t> groups;
  };
  struct Checkpoint {
    Position position = 0;
    int32_t cell = kNoCell;
    bool kept = false;
    uint64_t made = 0;  // only the order counts
  };
  struct Sequence {
    SequenceId id = 0;  // of the memory
    Position length = 0;
    // The index of an earlier one with which it shares `shared` leading
    // positions; -1: it shares nothing with any of them. With all others k
    // before it, it shares the fewer of `shared` and what `parent` shares with
    // k.
    int32_t parent = -1;
    Position shared = 0;
    int32_t cell = kNoCell;
    std::vector<Checkpoint> checkpoints;  // ascending by position
    std::vector<Pages> pages;             // [page sets]
    int32_t text = -1;
  };

  std::vector<Sequence> sequences;
  int32_t cells = 0;
  std::vector<int32_t> groups;  // [page sets] how many
  std::vector<int32_t> texts;   // their lengths in tokens
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_RESTORED_MEMORY_H_
