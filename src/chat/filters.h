// The filters of Jinja: `value | name(arguments)`.
#ifndef BRAID_SRC_CHAT_FILTERS_H_
#define BRAID_SRC_CHAT_FILTERS_H_

#include <optional>
#include <span>
#include <string_view>

#include "chat/runtime.h"

namespace braid::chat {

struct NamedFilter {
  std::string_view name;
  Function function;
};

// Null: there is none.
Function FindFilter(std::string_view name);

// Parts of the table: those that make texts and numbers, and those that work on
// the elements of a list.
std::span<const NamedFilter> ValueFilters();
std::span<const NamedFilter> ElementFilters();

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_FILTERS_H_
