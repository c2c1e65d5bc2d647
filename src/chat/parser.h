// The source of a template to its syntax tree.
#ifndef BRAID_SRC_CHAT_PARSER_H_
#define BRAID_SRC_CHAT_PARSER_H_

#include <memory>
#include <string_view>

#include "braid/result.h"
#include "chat/runtime.h"
#include "chat/syntax.h"

namespace braid::chat {

// Jinja's grammar without what one text alone cannot use (extends, include,
// import, block), autoescape and recursive loops, which are refused by name.
// Errors begin with the place.
Result<std::unique_ptr<const Syntax>> ParseTemplate(
    std::string_view source, const TemplateLimits& limits);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_PARSER_H_
