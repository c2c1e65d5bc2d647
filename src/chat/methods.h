// The methods of strings, dicts, lists and loops.
#ifndef BRAID_SRC_CHAT_METHODS_H_
#define BRAID_SRC_CHAT_METHODS_H_

#include <optional>
#include <string_view>

#include "chat/runtime.h"
#include "chat/value.h"

namespace braid::chat {

// Null: a str has no such method.
Function FindStringMethod(std::string_view name);
// The method or property `name` of a container or a loop, bound to it; nothing
// if there is none. One that changes a container is Undefined.
std::optional<Value> FindMember(Runtime& runtime, const Value& value,
                                std::string_view name);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_METHODS_H_
