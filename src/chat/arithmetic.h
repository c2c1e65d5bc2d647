// Python's arithmetic, on integers of 64 bits and doubles.
#ifndef BRAID_SRC_CHAT_ARITHMETIC_H_
#define BRAID_SRC_CHAT_ARITHMETIC_H_

#include <string_view>

#include "braid/result.h"
#include "chat/syntax.h"
#include "chat/value.h"

namespace braid::chat {

// "+", "//", "not in", ...
std::string_view NameOf(Operator op);

// `a` and `b` are int, bool or float. Divisions round down. Error: a division
// by zero, or an integer of more than 64 bits.
Result<Value> CalculateNumbers(Operator op, const Value& a, const Value& b);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_ARITHMETIC_H_
