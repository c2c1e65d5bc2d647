// What Python's operators do with values. Errors say what was tried with which
// types, and carry no place.
#ifndef BRAID_SRC_CHAT_OPERATORS_H_
#define BRAID_SRC_CHAT_OPERATORS_H_

#include <optional>

#include "braid/result.h"
#include "chat/runtime.h"
#include "chat/syntax.h"
#include "chat/value.h"

namespace braid::chat {

bool Truth(const Value& value);
Result<bool> Equal(Runtime& runtime, const Value& a, const Value& b);
// a < b, or a <= b. Error: types that have no order.
Result<bool> Less(Runtime& runtime, const Value& a, const Value& b,
                  bool or_equal = false);
Result<bool> Contains(Runtime& runtime, const Value& container,
                      const Value& item);
// a < b and the other comparisons, `in` among them.
Result<bool> Compares(Runtime& runtime, Operator op, const Value& a,
                      const Value& b);
// a + b and the other binary operators that are no comparison.
Result<Value> Calculate(Runtime& runtime, Operator op, const Value& a,
                        const Value& b);
Result<Value> Negated(const Value& value);

// What a for statement walks over. A generator is empty afterwards.
Result<Values> Elements(Runtime& runtime, const Value& value);
// len(): error for what has none.
Result<int64_t> Length(const Value& value);
// As an integer, if it is an int or a bool.
std::optional<int64_t> AsInteger(const Value& value);

// Error if nothing can be wanted of `value`, as it is not there.
Status CheckDefined(const Value& value);

// The value of a key, or null.
Result<const Value*> Find(Runtime& runtime, const Dict& dict, const Value& key);
// Sets it. Error: the key is a container.
Status Set(Runtime& runtime, Dict& dict, const Value& key, const Value& value);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_OPERATORS_H_
