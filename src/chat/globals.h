// The functions that every template can call: range, namespace, dict, and what
// transformers adds, raise_exception and strftime_now.
#ifndef BRAID_SRC_CHAT_GLOBALS_H_
#define BRAID_SRC_CHAT_GLOBALS_H_

#include <string_view>

#include "chat/runtime.h"

namespace braid::chat {

// Null: there is none.
Function FindGlobal(std::string_view name);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_GLOBALS_H_
