// The tokens of a template's source, by the rules of Jinja with trim_blocks and
// lstrip_blocks: the line end after a block's tag is no text, nor is the white
// space before one that begins its line.
#ifndef BRAID_SRC_CHAT_LEXER_H_
#define BRAID_SRC_CHAT_LEXER_H_

#include <string>
#include <vector>

#include "braid/result.h"
#include "chat/syntax.h"
#include "chat/text.h"
#include "chat/value.h"

namespace braid::chat {

struct Token {
  enum class Kind {
    kText,  // outside of tags
    kOutputBegin,
    kOutputEnd,
    kBlockBegin,
    kBlockEnd,
    kName,
    kString,
    kInteger,
    kFloat,
    kOperator,
    kEnd,
  };
  Kind kind = Kind::kEnd;
  Place place;
  std::string name;      // of a name or an operator
  Value value = None{};  // of text, a string or a number
};

// Ends with a kEnd. Errors begin with the place.
Result<std::vector<Token>> Tokenize(TextView source);

// "line 3, column 14: " and the message.
Error ErrorAt(Place place, const std::string& message);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_LEXER_H_
