#include <string>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "chat/expression_parser.h"
#include "chat/filters.h"
#include "chat/predicates.h"

namespace braid::chat {

using Kind = Expression::Kind;

ExpressionParser::Parsed ExpressionParser::ParsePostfix(
    const Expression* value) {
  while (true) {
    if (IsOperator(".")) {
      BRAID_ASSIGN(value, ParseAttribute(value));
    } else if (IsOperator("[")) {
      BRAID_ASSIGN(value, ParseSubscript(value));
    } else if (IsOperator("(")) {
      BRAID_ASSIGN(value, ParseCall(value));
    } else {
      return value;
    }
  }
}

ExpressionParser::Parsed ExpressionParser::ParseAttribute(
    const Expression* value) {
  const Place place = Next().place;
  if (current().kind == Token::Kind::kInteger) {
    Expression* index = New(Kind::kConstant, current().place);
    index->constant = Next().value;
    Expression* item = New(Kind::kItem, place);
    item->operands = {value, index};
    return item;
  }
  Expression* attribute = New(Kind::kAttribute, place);
  BRAID_ASSIGN(attribute->name, ExpectName());
  attribute->operands = {value};
  return attribute;
}

ExpressionParser::Parsed ExpressionParser::ParseSubscript(
    const Expression* value) {
  const Place place = Next().place;
  if (IsOperator(":")) return ParseSlice(value, nullptr);
  std::vector<const Expression*> parts;
  while (!IsOperator("]")) {
    if (!parts.empty()) BRAID_TRY(ExpectOperator(","));
    BRAID_ASSIGN(const Expression* const part, ParseExpression());
    if (IsOperator(":") && parts.empty()) return ParseSlice(value, part);
    parts.push_back(part);
  }
  Next();
  const Expression* index = parts.size() == 1 ? parts[0] : nullptr;
  if (index == nullptr) {
    Expression* tuple = New(Kind::kTuple, place);
    tuple->operands = std::move(parts);
    index = tuple;
  }
  Expression* item = New(Kind::kItem, place);
  item->operands = {value, index};
  return item;
}

ExpressionParser::Parsed ExpressionParser::ParseSlice(const Expression* value,
                                                      const Expression* first) {
  Expression* slice = New(Kind::kSlice, current().place);
  slice->operands = {value, first, nullptr, nullptr};
  for (size_t part = 2; part < 4 && SkipOperator(":"); ++part) {
    if (IsOperator(":") || IsOperator("]")) continue;
    BRAID_ASSIGN(slice->operands[part], ParseExpression());
  }
  BRAID_TRY(ExpectOperator("]"));
  return slice;
}

ExpressionParser::Parsed ExpressionParser::ParseCall(const Expression* callee) {
  Expression* call = New(Kind::kCall, current().place);
  call->operands = {callee};
  BRAID_TRY(ParseArguments(*call));
  return call;
}

Status ExpressionParser::ParseArguments(Expression& call) {
  BRAID_TRY(ExpectOperator("("));
  bool first = true;
  while (!IsOperator(")")) {
    if (!first) {
      BRAID_TRY(ExpectOperator(","));
      if (IsOperator(")")) break;
    }
    first = false;
    BRAID_TRY(ParseArgument(call));
  }
  return ExpectOperator(")");
}

Status ExpressionParser::ParseArgument(Expression& call) {
  const auto out_of_order = [&] {
    return Fail("an argument stands behind one that has to follow it");
  };
  if (SkipOperator("*")) {
    if (call.more_positional != nullptr || call.more_named != nullptr) {
      return out_of_order();
    }
    BRAID_ASSIGN(call.more_positional, ParseExpression());
  } else if (SkipOperator("**")) {
    if (call.more_named != nullptr) return out_of_order();
    BRAID_ASSIGN(call.more_named, ParseExpression());
  } else if (current().kind == Token::Kind::kName &&
             Look().kind == Token::Kind::kOperator && Look().name == "=") {
    if (call.more_named != nullptr) return out_of_order();
    const std::string name = Next().name;
    Next();
    for (const auto& [other, value] : call.named) {
      if (other == name) {
        return Fail(Format("argument '{}' is given twice", name));
      }
    }
    BRAID_ASSIGN(const Expression* const value, ParseExpression());
    call.named.emplace_back(name, value);
  } else {
    if (call.more_positional != nullptr || call.more_named != nullptr ||
        !call.named.empty()) {
      return out_of_order();
    }
    BRAID_ASSIGN(const Expression* const value, ParseExpression());
    call.operands.push_back(value);
  }
  return {};
}

ExpressionParser::Parsed ExpressionParser::ParseFiltersAndTests(
    const Expression* value) {
  while (true) {
    if (IsOperator("|")) {
      BRAID_ASSIGN(value, ParseFilters(value));
    } else if (IsName("is")) {
      BRAID_ASSIGN(value, ParseTest(value));
    } else if (IsOperator("(")) {
      BRAID_ASSIGN(value, ParseCall(value));
    } else {
      return value;
    }
  }
}

void ExpressionParser::CheckFunction(Expression& call, std::string_view what) {
  if (call.function != nullptr) return;
  unknown_.push_back(
      {call.place, Format("there is no {} '{}'", what, call.name)});
}

ExpressionParser::Parsed ExpressionParser::ParseFilters(
    const Expression* value, bool first_without_bar) {
  while (first_without_bar || SkipOperator("|")) {
    first_without_bar = false;
    Expression* filter = New(Kind::kFilter, current().place);
    BRAID_ASSIGN(filter->name, ExpectName());
    filter->function = FindFilter(filter->name);
    filter->operands = {value};
    CheckFunction(*filter, "filter");
    if (IsOperator("(")) BRAID_TRY(ParseArguments(*filter));
    value = filter;
  }
  return value;
}

ExpressionParser::Parsed ExpressionParser::ParseTest(const Expression* value) {
  const Place place = Next().place;
  const bool negated = SkipName("not");
  Expression* test = New(Kind::kTest, place);
  BRAID_ASSIGN(test->name, ExpectName());
  test->function = FindPredicate(test->name);
  test->operands = {value};
  CheckFunction(*test, "test");
  const Token::Kind kind = current().kind;
  const bool argument =
      (kind == Token::Kind::kName && !IsName("else") && !IsName("or") &&
       !IsName("and")) ||
      kind == Token::Kind::kString || kind == Token::Kind::kInteger ||
      kind == Token::Kind::kFloat || IsOperator("[") || IsOperator("{");
  if (IsOperator("(")) {
    BRAID_TRY(ParseArguments(*test));
  } else if (argument) {
    if (IsName("is")) return Fail("a test behind a test needs parentheses");
    BRAID_ASSIGN(const Expression* operand, ParsePrimary());
    BRAID_ASSIGN(operand, ParsePostfix(operand));
    test->operands.push_back(operand);
  }
  if (!negated) return test;
  Expression* opposite = New(Kind::kNot, place);
  opposite->operands = {test};
  return opposite;
}

}  // namespace braid::chat
