// Cuts a model into a split set, and puts one together again. Metadata and
// tensors keep their order, so cutting and merging give the same file, if this
// library wrote it. See gguf/split.h for what a set is.
#ifndef BRAID_SRC_GGUF_SPLIT_WRITER_H_
#define BRAID_SRC_GGUF_SPLIT_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "braid/result.h"
#include "gguf/file.h"

namespace braid::gguf {

// When a part is full. 0: does not matter; one of them must be set.
struct SplitLimits {
  uint64_t tensors = 0;  // of a part
  uint64_t bytes = 0;    // of its file
};

struct PlannedPart {
  std::string path;
  size_t first_tensor = 0;  // index in File::tensors()
  size_t tensors = 0;
  uint64_t bytes = 0;  // of the file, header and padding included
};

// Fills one part after another. The first holds all metadata. A part goes
// beyond limits.bytes only if one tensor does so alone. Errors: no limit is
// set; more parts than the format can count; what EncodeHeader refuses.
// `file` may be a split set itself.
Result<std::vector<PlannedPart>> PlanSplit(const File& file,
                                           const std::string& prefix,
                                           const SplitLimits& limits);

// Writes the parts of PlanSplit(), in order, each whole or not at all. After an
// error those before it stay. `cancelled`: the Writer's.
Status WriteSplit(const File& file, const std::vector<PlannedPart>& parts,
                  const std::function<bool()>& cancelled = {});

// Writes a model as one file, without the keys of the set. PlanMerge() says
// what that will be.
Result<PlannedPart> PlanMerge(const File& file, const std::string& path);
Status WriteMerged(const File& file, const std::string& path,
                   const std::function<bool()>& cancelled = {});

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_SPLIT_WRITER_H_
