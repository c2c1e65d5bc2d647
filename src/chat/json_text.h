// JSON as Python's json.dumps writes it.
#ifndef BRAID_SRC_CHAT_JSON_TEXT_H_
#define BRAID_SRC_CHAT_JSON_TEXT_H_

#include <optional>

#include "braid/result.h"
#include "chat/runtime.h"
#include "chat/text.h"
#include "chat/value.h"

namespace braid::chat {

struct JsonStyle {
  bool ascii = false;  // everything else as \u escapes
  bool sorted = false;
  std::optional<Text> indent = {};  // of one level; none: on one line
  Text between_items = U", ";
  Text after_key = U": ";
};

// Error: a value that JSON does not have (something undefined, a generator), or
// a key that is a container.
Result<Text> ToJson(Runtime& runtime, const Value& value,
                    const JsonStyle& style);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_JSON_TEXT_H_
