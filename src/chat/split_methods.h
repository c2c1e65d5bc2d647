// Cutting a text to pieces and replacing parts of it, as Python's str does.
#ifndef BRAID_SRC_CHAT_SPLIT_METHODS_H_
#define BRAID_SRC_CHAT_SPLIT_METHODS_H_

#include <cstdint>
#include <vector>

#include "braid/result.h"
#include "chat/runtime.h"
#include "chat/text.h"
#include "chat/value.h"

namespace braid::chat {

// str.split and str.rsplit: at `separator`, or (null) at white space; at most
// `most` times, if it is not negative. Error: an empty separator.
Result<Value> SplitText(Runtime& runtime, const Text& text,
                        const Text* separator, int64_t most, bool from_end);

// str.splitlines.
std::vector<Text> LinesOf(const Text& text, bool keep_ends = false);

// str.replace; `most` < 0: all.
Result<Text> Replaced(Runtime& runtime, const Text& text, const Text& before,
                      const Text& after, int64_t most);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_SPLIT_METHODS_H_
