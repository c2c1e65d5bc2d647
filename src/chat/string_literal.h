// The escapes of a string in a template: Python's.
#ifndef BRAID_SRC_CHAT_STRING_LITERAL_H_
#define BRAID_SRC_CHAT_STRING_LITERAL_H_

#include "braid/result.h"
#include "chat/text.h"

namespace braid::chat {

// What `source` between the quotes stands for. Unknown escapes stay as they
// are. Error: an escape that has no end, is no character, or is a \N{NAME}.
Result<Text> Unescape(TextView source);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_STRING_LITERAL_H_
