// Plan: what a quantised file will hold, decided before anything is written.
#ifndef BRAID_SRC_QUANTIZE_PLAN_H_
#define BRAID_SRC_QUANTIZE_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "gguf/file.h"
#include "gguf/value.h"
#include "quantize/file_type.h"
#include "quantize/importance.h"
#include "tensor/dtype.h"

namespace braid::quantize {

// A format for the tensors whose name a regular expression (ECMAScript, found
// anywhere, in any case) matches.
struct TypeOverride {
  std::string pattern;
  DType type;
};

struct QuantizeOptions {
  // Nothing: every tensor is copied.
  std::optional<FileType> type;
  bool pure = false;              // no mixture
  bool allow_requantize = false;  // sources in blocks lose twice
  bool leave_output = false;      // output.weight stays as it is
  std::optional<DType> output_type;
  std::optional<DType> embedding_type;
  std::vector<TypeOverride> overrides;  // the first that matches
  const ImportanceMatrix* importance = nullptr;
  std::string importance_path;           // for the metadata
  bool keep_split = false;               // as many parts as the source has
  std::vector<gguf::KeyValue> metadata;  // set or replaced
};

struct PlannedTensor {
  const gguf::TensorInfo* source;
  gguf::TensorInfo target;
  DType type;           // of the target; nothing to do with a copy's
  bool copied = false;  // bytes as they are
  // The format whose blocks did not divide the width.
  std::optional<DType> too_wide;
};

struct Plan {
  std::vector<PlannedTensor> tensors;    // in file order
  std::vector<gguf::KeyValue> metadata;  // without the keys of a split set
  uint64_t source_bytes = 0;
  uint64_t target_bytes = 0;
  uint64_t elements = 0;
};

// The result views `file` and `options`. Errors name the tensor: its source
// cannot be decoded, is quantised already (without allow_requantize), or its
// importance has another size; a pattern is no regular expression.
Result<Plan> MakePlan(const gguf::File& file, const QuantizeOptions& options);

}  // namespace braid::quantize

#endif  // BRAID_SRC_QUANTIZE_PLAN_H_
