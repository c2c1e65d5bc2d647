// From a metadata value, which keeps the width of its file, to the kind that a
// caller wants. Every error names the key and the value that was found.
#ifndef BRAID_SRC_GGUF_CONVERSION_H_
#define BRAID_SRC_GGUF_CONVERSION_H_

#include <cstdint>
#include <string_view>

#include "braid/result.h"
#include "gguf/value.h"

namespace braid::gguf {

// Any integer type whose number fits. Not bool, not a float.
Result<int64_t> ToInt(std::string_view key, const Value& value);
// f32, f64 and every integer type (64-bit ones are rounded).
Result<double> ToFloat(std::string_view key, const Value& value);
Result<bool> ToBool(std::string_view key, const Value& value);
Result<std::string_view> ToString(std::string_view key, const Value& value);

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_CONVERSION_H_
