// The syntax tree of a template. Nodes belong to a Syntax, which frees them
// flat; they point at each other and are never changed after parsing.
#ifndef BRAID_SRC_CHAT_SYNTAX_H_
#define BRAID_SRC_CHAT_SYNTAX_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "chat/runtime.h"
#include "chat/value.h"

namespace braid::chat {

// Of the source, from 1; a column counts characters.
struct Place {
  int line = 1;
  int column = 1;
};

enum class Operator {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};

struct Expression {
  enum class Kind {
    kConstant,     // constant
    kName,         // name
    kAttribute,    // [0].name; as a target: of a namespace
    kItem,         // [0][[1]]
    kSlice,        // [0][[1]:[2]:[3]], each of which may be null
    kCall,         // [0](rest, named)
    kFilter,       // [0] | function(rest, named); [0] is null in a block
    kTest,         // [0] is function(rest, named)
    kNegate,       // -[0]
    kPlus,         // +[0]
    kNot,          // not [0]
    kAnd,          // [0] and [1]
    kOr,           // [0] or [1]
    kConditional,  // [1] if [0] else [2], which may be null
    kCompare,      // [0] operators[0] [1] operators[1] [2] ...
    kBinary,       // [0] operators[0] [1]
    kConcatenate,  // [0] ~ [1] ~ ...
    kList,
    kTuple,
    kDict,  // keys and values in turns
  };
  Kind kind = Kind::kConstant;
  Place place;
  Value constant = None{};
  std::string name;
  Function function = nullptr;  // null: the name is unknown
  std::vector<Operator> operators;
  std::vector<const Expression*> operands;
  std::vector<std::pair<std::string, const Expression*>> named;
  const Expression* more_positional = nullptr;  // *values
  const Expression* more_named = nullptr;       // **values
};

struct Statement {
  enum class Kind {
    kText,         // text
    kOutput,       // {{ value }}
    kIf,           // branches; other
    kFor,          // target in value if condition: body; other: none was ended
    kSet,          // target = value
    kSetBlock,     // target = body, through the filters of value if any
    kMacro,        // name(parameters): body
    kCall,         // value, a call; body is its caller, with parameters
    kFilterBlock,  // value is the filters of body
    kWith,         // targets[i] = values[i]: body
    kGeneration,   // body
    kBreak,
    kContinue,
  };
  using Block = std::vector<const Statement*>;
  struct Branch {
    const Expression* condition;
    Block body;
  };
  struct Parameter {
    std::string name;
    const Expression* value;  // may be null
  };

  Kind kind = Kind::kText;
  Place place;
  Value text = None{};
  std::string name;
  const Expression* target = nullptr;
  const Expression* value = nullptr;
  const Expression* condition = nullptr;
  std::vector<Branch> branches;
  std::vector<std::pair<const Expression*, const Expression*>> assignments;
  std::vector<Parameter> parameters;
  // Does the body of a macro speak of these?
  bool uses_caller = false;
  bool uses_positional = false;  // varargs
  bool uses_named = false;       // kwargs
  Block body;
  Block other;
};

class Syntax {
 public:
  Expression* NewExpression(Expression::Kind kind, Place place) {
    expressions_.push_back(std::make_unique<Expression>());
    expressions_.back()->kind = kind;
    expressions_.back()->place = place;
    return expressions_.back().get();
  }
  Statement* NewStatement(Statement::Kind kind, Place place) {
    statements_.push_back(std::make_unique<Statement>());
    statements_.back()->kind = kind;
    statements_.back()->place = place;
    return statements_.back().get();
  }

  Statement::Block body;

 private:
  std::vector<std::unique_ptr<Expression>> expressions_;
  std::vector<std::unique_ptr<Statement>> statements_;
};

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_SYNTAX_H_
