// str.format.
#ifndef BRAID_SRC_CHAT_FORMAT_METHOD_H_
#define BRAID_SRC_CHAT_FORMAT_METHOD_H_

#include "braid/result.h"
#include "chat/runtime.h"
#include "chat/value.h"

namespace braid::chat {

// With the fields {}, {0} and {name}, {{ and }}. Error: a field that asks for
// more (an attribute, a width), or for what is not given.
Result<Value> FormatMethod(Runtime& runtime, const Value& self,
                           const Arguments& arguments);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_FORMAT_METHOD_H_
