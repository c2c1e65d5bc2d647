#include "chat/expression_parser.h"

#include <array>
#include <optional>
#include <utility>

#include "base/format.h"
#include "base/try.h"

namespace braid::chat {

namespace {

using Kind = Expression::Kind;

struct NamedOperator {
  std::string_view name;
  Operator op;
};

constexpr NamedOperator kOperators[] = {
    {"+", Operator::kAdd},          {"-", Operator::kSubtract},
    {"*", Operator::kMultiply},     {"/", Operator::kDivide},
    {"//", Operator::kFloorDivide}, {"%", Operator::kModulo},
    {"**", Operator::kPower},       {"==", Operator::kEqual},
    {"!=", Operator::kNotEqual},    {"<", Operator::kLess},
    {"<=", Operator::kLessEqual},   {">", Operator::kGreater},
    {">=", Operator::kGreaterEqual}};

Operator OperatorNamed(std::string_view name) {
  for (const NamedOperator& known : kOperators) {
    if (known.name == name) return known.op;
  }
  return Operator::kAdd;
}

bool IsComparison(const Token& token) {
  return token.kind == Token::Kind::kOperator &&
         (token.name == "==" || token.name == "!=" || token.name == "<" ||
          token.name == "<=" || token.name == ">" || token.name == ">=");
}

}  // namespace

Status ExpressionParser::Level::status() const {
  if (parser_.level_ <= parser_.depth_) return {};
  return parser_.Fail(Format("more than {} levels deep", parser_.depth_));
}

bool ExpressionParser::IsName(std::string_view name) const {
  return current().kind == Token::Kind::kName && current().name == name;
}

bool ExpressionParser::IsOperator(std::string_view name) const {
  return current().kind == Token::Kind::kOperator && current().name == name;
}

bool ExpressionParser::SkipName(std::string_view name) {
  if (!IsName(name)) return false;
  Next();
  return true;
}

bool ExpressionParser::SkipOperator(std::string_view name) {
  if (!IsOperator(name)) return false;
  Next();
  return true;
}

Error ExpressionParser::Unexpected(std::string_view wanted) const {
  std::string found;
  switch (current().kind) {
    case Token::Kind::kName:
    case Token::Kind::kOperator:
      found = Format("'{}'", current().name);
      break;
    case Token::Kind::kString:
      found = "a string";
      break;
    case Token::Kind::kInteger:
    case Token::Kind::kFloat:
      found = "a number";
      break;
    case Token::Kind::kEnd:
      found = "the end of the template";
      break;
    default:
      found = "the end of the tag";
      break;
  }
  return Fail(Format("expected {}, found {}", wanted, found));
}

Status ExpressionParser::Expect(Token::Kind kind, std::string_view what) {
  if (current().kind != kind) return Unexpected(what);
  Next();
  return {};
}

Status ExpressionParser::ExpectOperator(std::string_view name) {
  if (!SkipOperator(name)) return Unexpected(Format("'{}'", name));
  return {};
}

Result<std::string> ExpressionParser::ExpectName() {
  if (current().kind != Token::Kind::kName) return Unexpected("a name");
  return Next().name;
}

void ExpressionParser::Excuse(size_t from) {
  std::vector<UnknownFunction> kept(unknown_.begin(),
                                    unknown_.begin() + static_cast<long>(from));
  for (size_t i = from; i < unknown_.size(); ++i) {
    if (unknown_[i].refused) kept.push_back(unknown_[i]);
  }
  unknown_ = std::move(kept);
}

void ExpressionParser::Insist(size_t from) {
  for (size_t i = from; i < unknown_.size(); ++i) unknown_[i].refused = true;
}

Status ExpressionParser::CheckFunctions() const {
  if (unknown_.empty()) return {};
  return ErrorAt(unknown_.front().place, unknown_.front().message);
}

ExpressionParser::Parsed ExpressionParser::ParseExpression() {
  const Level level(*this);
  BRAID_TRY(level.status());
  const size_t unknown = unknown_functions();
  BRAID_ASSIGN(const Expression* value, ParseOr());
  while (IsName("if")) {
    Expression* choice = New(Kind::kConditional, Next().place);
    BRAID_ASSIGN(const Expression* const condition, ParseOr());
    const Expression* otherwise = nullptr;
    if (SkipName("else")) {
      BRAID_ASSIGN(otherwise, ParseExpression());
    }
    choice->operands = {condition, value, otherwise};
    value = choice;
    Excuse(unknown);
  }
  return value;
}

ExpressionParser::Parsed ExpressionParser::ParseOr() {
  BRAID_ASSIGN(const Expression* left, ParseAnd());
  while (IsName("or")) {
    Expression* both = New(Kind::kOr, Next().place);
    BRAID_ASSIGN(const Expression* const right, ParseAnd());
    both->operands = {left, right};
    left = both;
  }
  return left;
}

ExpressionParser::Parsed ExpressionParser::ParseAnd() {
  BRAID_ASSIGN(const Expression* left, ParseNot());
  while (IsName("and")) {
    Expression* both = New(Kind::kAnd, Next().place);
    BRAID_ASSIGN(const Expression* const right, ParseNot());
    both->operands = {left, right};
    left = both;
  }
  return left;
}

ExpressionParser::Parsed ExpressionParser::ParseNot() {
  const Level level(*this);
  BRAID_TRY(level.status());
  if (!IsName("not")) return ParseCompare();
  Expression* negated = New(Kind::kNot, Next().place);
  BRAID_ASSIGN(const Expression* const value, ParseNot());
  negated->operands = {value};
  return negated;
}

ExpressionParser::Parsed ExpressionParser::ParseCompare() {
  BRAID_ASSIGN(const Expression* const first, ParseSum());
  Expression* comparison = nullptr;
  while (true) {
    const Place place = current().place;
    std::optional<Operator> op;
    if (IsComparison(current())) {
      op = OperatorNamed(Next().name);
    } else if (SkipName("in")) {
      op = Operator::kIn;
    } else if (IsName("not") && Look().kind == Token::Kind::kName &&
               Look().name == "in") {
      Next();
      Next();
      op = Operator::kNotIn;
    }
    if (!op.has_value()) return comparison == nullptr ? first : comparison;
    if (comparison == nullptr) {
      comparison = New(Kind::kCompare, place);
      comparison->operands = {first};
    }
    BRAID_ASSIGN(const Expression* const next, ParseSum());
    comparison->operators.push_back(*op);
    comparison->operands.push_back(next);
  }
}

ExpressionParser::Parsed ExpressionParser::ParseChain(
    Rule rule, std::initializer_list<std::string_view> names) {
  BRAID_ASSIGN(const Expression* left, (this->*rule)());
  while (true) {
    std::string_view found;
    for (const std::string_view name : names) {
      if (IsOperator(name)) found = name;
    }
    if (found.empty()) return left;
    Expression* binary = New(Kind::kBinary, Next().place);
    BRAID_ASSIGN(const Expression* const right, (this->*rule)());
    binary->operators = {OperatorNamed(found)};
    binary->operands = {left, right};
    left = binary;
  }
}

ExpressionParser::Parsed ExpressionParser::ParseSum() {
  return ParseChain(&ExpressionParser::ParseConcatenation, {"+", "-"});
}

ExpressionParser::Parsed ExpressionParser::ParseConcatenation() {
  const Place place = current().place;
  BRAID_ASSIGN(const Expression* const first, ParseProduct());
  if (!IsOperator("~")) return first;
  Expression* whole = New(Kind::kConcatenate, place);
  whole->operands = {first};
  while (SkipOperator("~")) {
    BRAID_ASSIGN(const Expression* const next, ParseProduct());
    whole->operands.push_back(next);
  }
  return whole;
}

ExpressionParser::Parsed ExpressionParser::ParseProduct() {
  return ParseChain(&ExpressionParser::ParsePower, {"*", "/", "//", "%"});
}

ExpressionParser::Parsed ExpressionParser::ParsePower() {
  return ParseChain(&ExpressionParser::ParseUnary, {"**"});
}

ExpressionParser::Parsed ExpressionParser::ParseUnary() {
  return ParseSigned(true);
}

ExpressionParser::Parsed ExpressionParser::ParseSigned(bool with_filters) {
  const Level level(*this);
  BRAID_TRY(level.status());
  const Expression* value = nullptr;
  if (IsOperator("-") || IsOperator("+")) {
    const Kind kind = IsOperator("-") ? Kind::kNegate : Kind::kPlus;
    Expression* with_sign = New(kind, Next().place);
    BRAID_ASSIGN(const Expression* const inner, ParseSigned(false));
    with_sign->operands = {inner};
    value = with_sign;
  } else {
    BRAID_ASSIGN(value, ParsePrimary());
  }
  BRAID_ASSIGN(value, ParsePostfix(value));
  return with_filters ? ParseFiltersAndTests(value) : value;
}

ExpressionParser::Parsed ExpressionParser::ParsePrimary() {
  const Token& token = current();
  switch (token.kind) {
    case Token::Kind::kName:
      return ParseNameOrConstant();
    case Token::Kind::kString:
      return ParseString();
    case Token::Kind::kInteger:
    case Token::Kind::kFloat: {
      Expression* number = New(Kind::kConstant, token.place);
      number->constant = Next().value;
      return number;
    }
    default:
      break;
  }
  if (IsOperator("(")) return ParseParentheses();
  if (IsOperator("[")) return ParseList();
  if (IsOperator("{")) return ParseDict();
  return Unexpected("an expression");
}

ExpressionParser::Parsed ExpressionParser::ParseNameOrConstant() {
  const Token& token = Next();
  Expression* value = New(Kind::kConstant, token.place);
  if (token.name == "true" || token.name == "True") {
    value->constant = true;
  } else if (token.name == "false" || token.name == "False") {
    value->constant = false;
  } else if (token.name != "none" && token.name != "None") {
    value->kind = Kind::kName;
    value->name = token.name;
    names_read_.push_back(token.name);
  }
  return value;
}

// Strings that follow one another are one.
ExpressionParser::Parsed ExpressionParser::ParseString() {
  Expression* value = New(Kind::kConstant, current().place);
  Text whole;
  while (current().kind == Token::Kind::kString) {
    whole += *AsText(Next().value);
  }
  value->constant = MakeString(std::move(whole));
  return value;
}

ExpressionParser::Parsed ExpressionParser::ParseParentheses() {
  const Place place = Next().place;
  if (SkipOperator(")")) return New(Kind::kTuple, place);
  BRAID_ASSIGN(const Expression* const value, ParseTuple());
  BRAID_TRY(ExpectOperator(")"));
  return value;
}

ExpressionParser::Parsed ExpressionParser::ParseList() {
  Expression* list = New(Kind::kList, Next().place);
  while (!IsOperator("]")) {
    if (!list->operands.empty()) BRAID_TRY(ExpectOperator(","));
    if (IsOperator("]")) break;
    BRAID_ASSIGN(const Expression* const item, ParseExpression());
    list->operands.push_back(item);
  }
  BRAID_TRY(ExpectOperator("]"));
  return list;
}

ExpressionParser::Parsed ExpressionParser::ParseDict() {
  Expression* dict = New(Kind::kDict, Next().place);
  while (!IsOperator("}")) {
    if (!dict->operands.empty()) BRAID_TRY(ExpectOperator(","));
    if (IsOperator("}")) break;
    BRAID_ASSIGN(const Expression* const key, ParseExpression());
    BRAID_TRY(ExpectOperator(":"));
    BRAID_ASSIGN(const Expression* const value, ParseExpression());
    dict->operands.push_back(key);
    dict->operands.push_back(value);
  }
  BRAID_TRY(ExpectOperator("}"));
  return dict;
}

bool ExpressionParser::TupleEnds(std::string_view end) const {
  return current().kind == Token::Kind::kOutputEnd ||
         current().kind == Token::Kind::kBlockEnd || IsOperator(")") ||
         (!end.empty() && IsName(end));
}

ExpressionParser::Parsed ExpressionParser::ParseTuple(bool conditional,
                                                      std::string_view end) {
  const Place place = current().place;
  std::vector<const Expression*> items;
  while (items.empty() || (SkipOperator(",") && !TupleEnds(end))) {
    BRAID_ASSIGN(const Expression* const item,
                 conditional ? ParseExpression() : ParseOr());
    items.push_back(item);
    if (!IsOperator(",")) {
      if (items.size() == 1) return item;
      break;
    }
  }
  Expression* tuple = New(Kind::kTuple, place);
  tuple->operands = std::move(items);
  return tuple;
}

ExpressionParser::Parsed ExpressionParser::ParseTarget(std::string_view end,
                                                       bool attributes) {
  const Level level(*this);
  BRAID_TRY(level.status());
  const Place place = current().place;
  std::vector<const Expression*> items;
  while (items.empty() || (SkipOperator(",") && !TupleEnds(end))) {
    BRAID_ASSIGN(const Expression* const item, ParseTargetItem(attributes));
    items.push_back(item);
    if (!IsOperator(",")) {
      if (items.size() == 1) return item;
      break;
    }
  }
  Expression* tuple = New(Kind::kTuple, place);
  tuple->operands = std::move(items);
  return tuple;
}

ExpressionParser::Parsed ExpressionParser::ParseTargetItem(bool attributes) {
  if (SkipOperator("(")) {
    BRAID_ASSIGN(const Expression* const inner, ParseTarget("", attributes));
    BRAID_TRY(ExpectOperator(")"));
    return inner;
  }
  const Place place = current().place;
  BRAID_ASSIGN(const std::string name, ExpectName());
  for (const std::string_view constant :
       {"true", "false", "none", "True", "False", "None"}) {
    if (name == constant) {
      return ErrorAt(place, Format("cannot assign to {}", name));
    }
  }
  Expression* target = New(Kind::kName, place);
  target->name = name;
  if (!attributes || !SkipOperator(".")) return target;
  names_read_.push_back(name);
  Expression* attribute = New(Kind::kAttribute, place);
  BRAID_ASSIGN(attribute->name, ExpectName());
  attribute->operands = {target};
  return attribute;
}

}  // namespace braid::chat
