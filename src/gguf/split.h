// Split sets: one model in files NAME-00001-of-00005.gguf to
// NAME-00005-of-00005.gguf. Each part says in its metadata which it is
// (split.no, from 0), of how many (split.count), and how many tensors all have
// together (split.tensors.count).
#ifndef BRAID_SRC_GGUF_SPLIT_H_
#define BRAID_SRC_GGUF_SPLIT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "braid/result.h"
#include "gguf/part.h"

namespace braid::gguf {

inline constexpr std::string_view kSplitNumberKey = "split.no";
inline constexpr std::string_view kSplitCountKey = "split.count";
inline constexpr std::string_view kSplitTensorsKey = "split.tensors.count";
inline constexpr size_t kMaxSplitParts = UINT16_MAX;  // the keys are u16

// One of the three.
bool IsSplitKey(std::string_view key);

struct Split {
  int64_t number = 0;  // from 0
  int64_t count = 1;   // parts, at least 1
  // Of all parts together; absent in files that do not say.
  std::optional<int64_t> tensors;
};

// What a part says about itself; a file without the keys is part 0 of 1.
// Errors: values of another kind or outside their range.
Result<Split> ReadSplit(const Part& part);

// The path of part `number` (from 0) of the set whose first part is
// `first_path`. Error: the path does not end in -00001-of-<count>.gguf.
Result<std::string> SplitPath(const std::string& first_path, int64_t number,
                              int64_t count);

// "-00003-of-00005.gguf" for number 2 of 5: parts count from 1 in names.
// Requires number < count <= kMaxSplitParts.
std::string SplitSuffix(size_t number, size_t count);

// Error: `target` is one of the `parts` files that a set (or, with 1 part, a
// file) opened from `first_path` consists of. Writing there would destroy it.
Status CheckNotSource(const std::string& first_path, size_t parts,
                      const std::string& target);

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_SPLIT_H_
