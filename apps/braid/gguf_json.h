// What the gguf commands print with --json: one JSON document each, ended by a
// line break. Numbers keep all their digits; NaN and infinities, which JSON
// lacks, are the strings "nan", "inf" and "-inf"; bytes that are no UTF-8 are
// U+FFFD.
#ifndef BRAID_APPS_BRAID_GGUF_JSON_H_
#define BRAID_APPS_BRAID_GGUF_JSON_H_

#include <string>
#include <vector>

#include "apps/braid/gguf_diff.h"
#include "gguf/file.h"
#include "gguf/hash.h"
#include "gguf/split_writer.h"
#include "models/file_use.h"

namespace braid::cli {

// {"file", "version", "alignment", "parts",
//  "metadata": {KEY: {"type", "value"}, ...}, and for an array "element_type",
//  "tensors": [{"name", "type", "shape", "bytes", "offset", "part"}, ...]}
// Nothing is cut. Parts count from 1.
std::string ShowJson(const gguf::File& file, const std::string& path);

// {"file", "ok", "message"}: what the check found, or why it failed; and, if
// `use` is given,
// "model": {"architecture",
//           "keys": [{"name", "use": "read", "ignored" or "left over",
//                     "reason" of ignoring or null}, ...],
//           "tensors": as keys}
std::string CheckJson(const Result<std::string>& checked,
                      const std::string& path, const FileUse* use = nullptr);

// {"file", "hash", "tensors": [{"name", "digest"}, ...], "digest"}
std::string HashJson(const gguf::ModelHash& hash, const std::string& path);

// {"file", "written", "parts": [{"file", "tensors", "bytes"}, ...]}
std::string SplitJson(const std::vector<gguf::PlannedPart>& parts,
                      const std::string& path, bool written);

// {"equal", "values_read",
//  "metadata": {"equal", "removed": {KEY: {"type", "value"}, ...},
//               "added": {...}, "changed": {KEY: [{...}, {...}], ...}},
//  "tensors": {"equal", "removed": [as ShowJson's, ...], "added": [...],
//              "different": [{"name", "types": [2], "shapes": [2], "values":
//                null or {"elements", "different", "non_finite",
//                "max_absolute", "max_relative", "rmse", "relative_rmse"}},
//                ...]}}
std::string DiffJson(const GgufDiff& diff);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_GGUF_JSON_H_
