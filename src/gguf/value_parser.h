// Text of a person -> metadata value.
#ifndef BRAID_SRC_GGUF_VALUE_PARSER_H_
#define BRAID_SRC_GGUF_VALUE_PARSER_H_

#include <optional>
#include <string_view>

#include "braid/result.h"
#include "gguf/value.h"

namespace braid::gguf {

// The type of that Name(), if there is one.
std::optional<ValueType> FindValueType(std::string_view name);

// A value of `type` from all of `text`: decimal integers, decimal floats
// ("inf" and "nan" too), "true" and "false", strings as they are. The result
// views `text`. Errors name the type and the text: it is no such value, it is
// out of the type's range; arrays are not supported.
Result<Value> ParseValue(ValueType type, std::string_view text);

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_VALUE_PARSER_H_
