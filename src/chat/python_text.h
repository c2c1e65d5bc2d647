// How Python writes values: str(), repr(), the % operator of strings.
#ifndef BRAID_SRC_CHAT_PYTHON_TEXT_H_
#define BRAID_SRC_CHAT_PYTHON_TEXT_H_

#include <string>

#include "braid/result.h"
#include "chat/runtime.h"
#include "chat/text.h"
#include "chat/value.h"

namespace braid::chat {

// str(): what `{{ value }}` prints. Error: a value whose text would say where
// it lies in memory (a generator, a macro, a namespace).
Result<Text> ToText(Runtime& runtime, const Value& value);
// Appends repr(), with quotes around strings.
Status AppendRepr(Runtime& runtime, const Value& value, Text& text);

// The shortest text that reads back as the same double; "1.0", "1e+16".
std::string RealText(double value);

// `pattern % values`, with %s, %r, %d, %i and %% without widths. `values` is a
// tuple, or one value.
Result<Value> PercentFormat(Runtime& runtime, const Value& pattern,
                            const Value& values);

// & < > ' " as HTML has them.
Text EscapedHtml(const Text& text);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_PYTHON_TEXT_H_
