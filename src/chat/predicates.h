// The tests of Jinja: `value is name(arguments)`.
#ifndef BRAID_SRC_CHAT_PREDICATES_H_
#define BRAID_SRC_CHAT_PREDICATES_H_

#include <string_view>

#include "chat/runtime.h"

namespace braid::chat {

// Null: there is none. What it gives is a bool.
Function FindPredicate(std::string_view name);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_PREDICATES_H_
