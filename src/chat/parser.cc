#include "chat/parser.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "chat/expression_parser.h"
#include "chat/lexer.h"

namespace braid::chat {

namespace {

using Kind = Statement::Kind;

class Parser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  Status ParseAll() {
    BRAID_ASSIGN(syntax().body, ParseBlock({}));
    return CheckFunctions();
  }

 private:
  using Names = std::initializer_list<std::string_view>;
  using ParsedBlock = Result<Statement::Block>;
  using ParsedStatement = Result<const Statement*>;
  using Rule = ParsedStatement (Parser::*)(Place place);
  struct Tag {
    std::string_view name;
    Rule rule;
  };

  // The statements up to a tag that begins with one of `ends`, whose name is
  // then the current token; to the end of the template if there is none.
  ParsedBlock ParseBlock(Names ends) {
    const Level level(*this);
    BRAID_TRY(level.status());
    Statement::Block block;
    while (current().kind != Token::Kind::kEnd) {
      const Token& token = Next();
      if (token.kind == Token::Kind::kText) {
        Statement* text = syntax().NewStatement(Kind::kText, token.place);
        text->text = token.value;
        block.push_back(text);
      } else if (token.kind == Token::Kind::kOutputBegin) {
        BRAID_ASSIGN(const Statement* const output, ParseOutput(token.place));
        block.push_back(output);
      } else {
        for (const std::string_view end : ends) {
          if (IsName(end)) return block;
        }
        BRAID_ASSIGN(const Statement* const statement,
                     ParseStatement(token.place));
        block.push_back(statement);
        BRAID_TRY(Expect(Token::Kind::kBlockEnd, "the end of the tag"));
      }
    }
    if (ends.size() == 0) return block;
    return Unexpected(Format("a tag '{}'", *(ends.end() - 1)));
  }

  // The block behind the head of a tag.
  ParsedBlock ParseBody(Names ends) {
    SkipOperator(":");
    BRAID_TRY(Expect(Token::Kind::kBlockEnd, "the end of the tag"));
    return ParseBlock(ends);
  }

  // The same, and goes behind the name of the only end.
  ParsedBlock ParseWholeBody(std::string_view end) {
    const size_t unknown = unknown_functions();
    BRAID_ASSIGN(Statement::Block body, ParseBody({end}));
    Next();
    Insist(unknown);
    return body;
  }

  // Of a body that is a function of its own: the loops around it cannot be left
  // from there.
  ParsedBlock ParseFunctionBody(std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    BRAID_ASSIGN(Statement::Block body, ParseWholeBody(end));
    loops_ = loops;
    return body;
  }

  ParsedStatement ParseOutput(Place place) {
    Statement* output = syntax().NewStatement(Kind::kOutput, place);
    BRAID_ASSIGN(output->value, ParseTuple());
    BRAID_TRY(Expect(Token::Kind::kOutputEnd, "'}}'"));
    return output;
  }

  ParsedStatement ParseStatement(Place place) {
    constexpr Tag kTags[] = {
        {"if", &Parser::ParseIf},
        {"for", &Parser::ParseFor},
        {"set", &Parser::ParseSet},
        {"macro", &Parser::ParseMacro},
        {"call", &Parser::ParseCallBlock},
        {"filter", &Parser::ParseFilterBlock},
        {"with", &Parser::ParseWith},
        {"generation", &Parser::ParseGeneration},
        {"break", &Parser::ParseBreak},
        {"continue", &Parser::ParseContinue},
    };
    constexpr std::string_view kRefused[] = {
        "block", "extends", "include", "import", "from", "autoescape", "print"};
    const Place named = current().place;
    BRAID_ASSIGN(const std::string name, ExpectName());
    for (const Tag& tag : kTags) {
      if (tag.name == name) return (this->*tag.rule)(place);
    }
    for (const std::string_view refused : kRefused) {
      if (refused == name) {
        return ErrorAt(named, Format("the tag '{}' is not supported", name));
      }
    }
    return ErrorAt(named, Format("there is no tag '{}'", name));
  }

  ParsedStatement ParseIf(Place place) {
    const size_t unknown = unknown_functions();
    Statement* statement = syntax().NewStatement(Kind::kIf, place);
    while (true) {
      Statement::Branch branch;
      BRAID_ASSIGN(branch.condition, ParseTuple(false));
      BRAID_ASSIGN(branch.body, ParseBody({"elif", "else", "endif"}));
      statement->branches.push_back(std::move(branch));
      if (SkipName("elif")) continue;
      if (SkipName("else")) {
        BRAID_ASSIGN(statement->other, ParseBody({"endif"}));
      }
      Next();
      Excuse(unknown);
      return statement;
    }
  }

  ParsedStatement ParseFor(Place place) {
    Statement* loop = syntax().NewStatement(Kind::kFor, place);
    BRAID_ASSIGN(loop->target, ParseTarget("in", false));
    if (!SkipName("in")) return Unexpected("'in'");
    BRAID_ASSIGN(loop->value, ParseTuple(false, "recursive"));
    const size_t unknown = unknown_functions();
    if (SkipName("if")) {
      BRAID_ASSIGN(loop->condition, ParseExpression());
    }
    if (IsName("recursive")) return Fail("recursive loops are not supported");
    ++loops_;
    BRAID_ASSIGN(loop->body, ParseBody({"else", "endfor"}));
    --loops_;
    if (SkipName("else")) {
      BRAID_ASSIGN(loop->other, ParseBody({"endfor"}));
    }
    Next();
    Insist(unknown);
    return loop;
  }

  ParsedStatement ParseSet(Place place) {
    Statement* set = syntax().NewStatement(Kind::kSet, place);
    BRAID_ASSIGN(set->target, ParseTarget("", true));
    if (SkipOperator("=")) {
      BRAID_ASSIGN(set->value, ParseTuple());
      return set;
    }
    set->kind = Kind::kSetBlock;
    BRAID_ASSIGN(set->value, ParseFilters(nullptr));
    BRAID_ASSIGN(set->body, ParseWholeBody("endset"));
    return set;
  }

  Status ParseParameters(Statement& macro) {
    BRAID_TRY(ExpectOperator("("));
    bool had_value = false;
    while (!IsOperator(")")) {
      if (!macro.parameters.empty()) BRAID_TRY(ExpectOperator(","));
      Statement::Parameter parameter;
      BRAID_ASSIGN(parameter.name, ExpectName());
      for (const Statement::Parameter& other : macro.parameters) {
        if (other.name == parameter.name) {
          return Fail(Format("there are two parameters '{}'", other.name));
        }
      }
      parameter.value = nullptr;
      if (SkipOperator("=")) {
        BRAID_ASSIGN(parameter.value, ParseExpression());
        had_value = true;
      } else if (had_value) {
        return Fail("a parameter without a default follows one that has it");
      }
      macro.parameters.push_back(std::move(parameter));
    }
    return ExpectOperator(")");
  }

  // Which of the names that only macros have it speaks of.
  void NoteSpecialNames(Statement& macro, size_t first_name) {
    const auto speaks_of = [&](std::string_view name) {
      return std::find(names_read_.begin() + static_cast<long>(first_name),
                       names_read_.end(), name) != names_read_.end();
    };
    macro.uses_caller = speaks_of("caller");
    macro.uses_positional = speaks_of("varargs");
    macro.uses_named = speaks_of("kwargs");
  }

  ParsedStatement ParseMacro(Place place) {
    Statement* macro = syntax().NewStatement(Kind::kMacro, place);
    const size_t first_name = names_read_.size();
    BRAID_ASSIGN(macro->name, ExpectName());
    BRAID_TRY(ParseParameters(*macro));
    BRAID_ASSIGN(macro->body, ParseFunctionBody("endmacro"));
    NoteSpecialNames(*macro, first_name);
    return macro;
  }

  ParsedStatement ParseCallBlock(Place place) {
    Statement* call = syntax().NewStatement(Kind::kCall, place);
    call->name = "caller";
    if (IsOperator("(")) BRAID_TRY(ParseParameters(*call));
    BRAID_ASSIGN(call->value, ParseExpression());
    if (call->value->kind != Expression::Kind::kCall) {
      return ErrorAt(call->value->place, "expected a call");
    }
    const size_t first_name = names_read_.size();
    BRAID_ASSIGN(call->body, ParseFunctionBody("endcall"));
    NoteSpecialNames(*call, first_name);
    return call;
  }

  ParsedStatement ParseFilterBlock(Place place) {
    Statement* block = syntax().NewStatement(Kind::kFilterBlock, place);
    BRAID_ASSIGN(block->value, ParseFilters(nullptr, true));
    BRAID_ASSIGN(block->body, ParseWholeBody("endfilter"));
    return block;
  }

  ParsedStatement ParseWith(Place place) {
    Statement* with = syntax().NewStatement(Kind::kWith, place);
    while (current().kind != Token::Kind::kBlockEnd) {
      if (!with->assignments.empty()) BRAID_TRY(ExpectOperator(","));
      BRAID_ASSIGN(const Expression* const target, ParseTarget("", false));
      BRAID_TRY(ExpectOperator("="));
      BRAID_ASSIGN(const Expression* const value, ParseExpression());
      with->assignments.emplace_back(target, value);
    }
    BRAID_ASSIGN(with->body, ParseWholeBody("endwith"));
    return with;
  }

  ParsedStatement ParseGeneration(Place place) {
    Statement* generation = syntax().NewStatement(Kind::kGeneration, place);
    BRAID_ASSIGN(generation->body, ParseFunctionBody("endgeneration"));
    return generation;
  }

  ParsedStatement ParseBreak(Place place) {
    if (loops_ == 0) return ErrorAt(place, "'break' outside of a loop");
    return syntax().NewStatement(Kind::kBreak, place);
  }

  ParsedStatement ParseContinue(Place place) {
    if (loops_ == 0) return ErrorAt(place, "'continue' outside of a loop");
    return syntax().NewStatement(Kind::kContinue, place);
  }

  int loops_ = 0;  // around the current statement, inside its macro
};

}  // namespace

Result<std::unique_ptr<const Syntax>> ParseTemplate(
    std::string_view source, const TemplateLimits& limits) {
  if (source.size() > limits.template_bytes) {
    return Error{Format("the template has {} bytes, at most {} are allowed",
                        source.size(), limits.template_bytes)};
  }
  BRAID_ASSIGN(const std::vector<Token> tokens, Tokenize(TextOf(source)));
  auto syntax = std::make_unique<Syntax>();
  // An expression in parentheses is three levels, and each level is a dozen
  // functions of the parser.
  constexpr int kLevels = 200;
  BRAID_TRY(
      Parser(tokens, std::min(limits.depth, kLevels), *syntax).ParseAll());
  return std::unique_ptr<const Syntax>(std::move(syntax));
}

}  // namespace braid::chat
