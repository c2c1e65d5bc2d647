// ExpressionParser: tokens to the tree of an expression, by Jinja's grammar.
#ifndef BRAID_SRC_CHAT_EXPRESSION_PARSER_H_
#define BRAID_SRC_CHAT_EXPRESSION_PARSER_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "chat/lexer.h"
#include "chat/syntax.h"

namespace braid::chat {

class ExpressionParser {
 public:
  // `tokens` end with a kEnd. What is parsed belongs to `syntax`. Both outlive
  // the parser. No more than `depth` expressions or statements may be inside
  // one another.
  ExpressionParser(const std::vector<Token>& tokens, int depth, Syntax& syntax)
      : tokens_(tokens), syntax_(syntax), depth_(depth) {}

  using Parsed = Result<const Expression*>;

  Parsed ParseExpression();
  // Without "x if y", which ends the head of a for statement.
  Parsed ParseOr();
  // One expression, or several with commas between them: a tuple. `end` is a
  // name that ends it, beside the end of the tag.
  Parsed ParseTuple(bool conditional = true, std::string_view end = "");
  // Something that can be assigned to: a name, a tuple of targets, or (`set`
  // only) an attribute of a namespace.
  Parsed ParseTarget(std::string_view end, bool attributes);
  // Zero or more "| filter(arguments)", of `value`, which may be null.
  Parsed ParseFilters(const Expression* value, bool first_without_bar = false);

 protected:
  const Token& current() const { return tokens_[at_]; }
  const Token& Look() const {
    return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_];
  }
  const Token& Next() {
    return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_];
  }
  bool IsName(std::string_view name) const;
  bool IsOperator(std::string_view name) const;
  bool SkipName(std::string_view name);
  bool SkipOperator(std::string_view name);
  Status Expect(Token::Kind kind, std::string_view what);
  Status ExpectOperator(std::string_view name);
  Result<std::string> ExpectName();
  Error Fail(const std::string& message) const {
    return ErrorAt(current().place, message);
  }
  Error Unexpected(std::string_view wanted) const;
  Syntax& syntax() { return syntax_; }

  // Counts one level of nesting while it lives.
  class Level {
   public:
    explicit Level(ExpressionParser& parser) : parser_(parser) {
      ++parser.level_;
    }
    ~Level() { --parser_.level_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    Status status() const;

   private:
    ExpressionParser& parser_;
  };

  // Filters and tests of unknown names. Jinja refuses them when it reads a
  // template, but those in an `if` only when they are reached: models'
  // templates try what their own runtime has.
  size_t unknown_functions() const { return unknown_.size(); }
  // Those from the n-th on are refused only when they are reached.
  void Excuse(size_t from);
  // They are refused, whatever they stand in.
  void Insist(size_t from);
  Status CheckFunctions() const;

  // The names that were read, for macros, which get what they speak of.
  std::vector<std::string> names_read_;

 private:
  struct UnknownFunction {
    Place place;
    std::string message;
    bool refused = false;
  };

  Expression* New(Expression::Kind kind, Place place) {
    return syntax_.NewExpression(kind, place);
  }
  using Rule = Parsed (ExpressionParser::*)();
  // Operands of `rule` with one of some operators between them.
  Parsed ParseChain(Rule rule, std::initializer_list<std::string_view> names);

  Parsed ParseAnd();
  Parsed ParseNot();
  Parsed ParseCompare();
  Parsed ParseSum();
  Parsed ParseConcatenation();
  Parsed ParseProduct();
  Parsed ParsePower();
  Parsed ParseUnary();
  Parsed ParseSigned(bool with_filters);
  Parsed ParsePrimary();
  Parsed ParseNameOrConstant();
  Parsed ParseString();
  Parsed ParseParentheses();
  Parsed ParseList();
  Parsed ParseDict();
  Parsed ParsePostfix(const Expression* value);
  Parsed ParseAttribute(const Expression* value);
  Parsed ParseSubscript(const Expression* value);
  // In [ ], behind what was before the colon (null: nothing).
  Parsed ParseSlice(const Expression* value, const Expression* first);
  Parsed ParseCall(const Expression* callee);
  Parsed ParseFiltersAndTests(const Expression* value);
  Parsed ParseTest(const Expression* value);
  Parsed ParseTargetItem(bool attributes);
  Status ParseArguments(Expression& call);
  Status ParseArgument(Expression& call);
  bool TupleEnds(std::string_view end) const;
  void CheckFunction(Expression& call, std::string_view what);

  const std::vector<Token>& tokens_;
  Syntax& syntax_;
  size_t at_ = 0;
  int depth_;
  int level_ = 0;
  std::vector<UnknownFunction> unknown_;
};

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_EXPRESSION_PARSER_H_
