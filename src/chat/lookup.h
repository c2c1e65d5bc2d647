// value.name, value[index] and value[first:last:step].
#ifndef BRAID_SRC_CHAT_LOOKUP_H_
#define BRAID_SRC_CHAT_LOOKUP_H_

#include <string_view>

#include "braid/result.h"
#include "chat/runtime.h"
#include "chat/value.h"

namespace braid::chat {

// As Jinja looks things up: a name is a method first and an item of a mapping
// then, an index the other way round. What is not there is Undefined; asking
// that for anything is an error. Methods that change a container are not there,
// as in Jinja's immutable sandbox.
Result<Value> GetAttribute(Runtime& runtime, const Value& value,
                           std::string_view name);
Result<Value> GetItem(Runtime& runtime, const Value& value, const Value& index);

// Each bound has to be an integer or None. Error: what has no slices.
Result<Value> GetSlice(Runtime& runtime, const Value& value, const Value& first,
                       const Value& last, const Value& step);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_LOOKUP_H_
