// How two GGUF files differ: in metadata, in their lists of tensors, and in the
// values of the tensors. The order of keys and tensors, alignment, padding and
// how a file is cut into parts (the keys split.*) make no difference.
#ifndef BRAID_APPS_BRAID_GGUF_DIFF_H_
#define BRAID_APPS_BRAID_GGUF_DIFF_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gguf/file.h"

namespace braid::cli {

// Values a and b of two tensors, decoded to float32, over all elements for
// which both are finite.
struct ValueDifference {
  uint64_t elements = 0;
  uint64_t different = 0;  // elements whose values differ
  // Elements that are NaN or infinite in one tensor, or in both and not the
  // same there.
  uint64_t non_finite = 0;
  double max_absolute = 0;   // max |a - b|
  double max_relative = 0;   // max |a - b| / max(|a|, |b|)
  double rmse = 0;           // sqrt(mean((a - b)^2))
  double relative_rmse = 0;  // rmse / sqrt(mean(a^2)); 0 if a is all zeros
};

// A tensor that both files have, and that differs in shape, type or values.
struct TensorDifference {
  const gguf::TensorInfo* a = nullptr;
  const gguf::TensorInfo* b = nullptr;
  // Absent if they were not to be read, if the shapes differ, or if a type is
  // none that Braid computes with; bytes that differ are then all that is
  // known.
  std::optional<ValueDifference> values;
};

// Points into the two files, which must outlive it.
struct GgufDiff {
  std::vector<const gguf::KeyValue*> keys_only_in_a;
  std::vector<const gguf::KeyValue*> keys_only_in_b;
  std::vector<std::pair<const gguf::KeyValue*, const gguf::KeyValue*>>
      changed_keys;
  uint64_t equal_keys = 0;

  std::vector<const gguf::TensorInfo*> tensors_only_in_a;
  std::vector<const gguf::TensorInfo*> tensors_only_in_b;
  std::vector<TensorDifference> different_tensors;
  uint64_t equal_tensors = 0;
  bool values_read = true;

  bool Equal() const;
};

struct GgufDiffOptions {
  bool values = true;  // false: tensors of equal type and shape are equal
  std::function<void(double share)> progress;
};

// Reads both files in pieces; a few MiB of memory are enough. In the order of
// a, then of b.
GgufDiff CompareGguf(const gguf::File& a, const gguf::File& b,
                     const GgufDiffOptions& options);

// For people: "-" only in a, "+" only in b, "~" in both, and different. RMSE
// (2 %): the relative one.
std::string DiffText(const GgufDiff& diff);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_GGUF_DIFF_H_
