#include "tokenizer/known_expressions.h"

namespace braid {

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define LINES_AND_SPACES R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
#define UPPER R"(\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M})"
#define LOWER R"(\p{Ll}\p{Lm}\p{Lo}\p{M})"
#define LEAD R"([^\r\n\p{L}\p{N}]?)"

namespace expressions {
const std::string_view kLlama3 =
    CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
                 R"( ?[^\s\p{L}\p{N}]+[\r\n]*|)" LINES_AND_SPACES;
const std::string_view kQwen2 =
    CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
                 R"( ?[^\s\p{L}\p{N}]+[\r\n]*|)" LINES_AND_SPACES;
const std::string_view kQwen35 =
    CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|)"
                 R"( ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" LINES_AND_SPACES;
const std::string_view kGpt4o =
    LEAD "[" UPPER "]*[" LOWER "]+" CONTRACTIONS "?|" LEAD "[" UPPER "]+[" LOWER
         "]*" CONTRACTIONS R"(?|\p{N}{1,3}|)"
         R"( ?[^\s\p{L}\p{N}]+[\r\n/]*|)" LINES_AND_SPACES;
const std::string_view kTekken =
    LEAD "[" UPPER "]*[" LOWER "]+|" LEAD "[" UPPER "]+[" LOWER R"(]*|\p{N}|)"
         R"( ?[^\s\p{L}\p{N}]+[\r\n/]*|)" LINES_AND_SPACES;
const std::string_view kSeedCoder =
    CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
                 R"( ?[^\s\p{L}\p{N}\r\n]+|)" LINES_AND_SPACES;
const std::string_view kBloom =
    " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+";
const std::string_view kThreeNumbers = R"(\p{N}{1,3})";
const std::string_view kHanAndKana =
    "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";
const std::string_view kDeepseekV3Words =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|)"
    R"([^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)" LINES_AND_SPACES;
const std::string_view kNewline = R"([\r\n])";
const std::string_view kSpaceLetters = R"(\s?\p{L}+)";
const std::string_view kSpacePunctuation = R"(\s?\p{P}+)";
const std::string_view kEastAsian =
    "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";
const std::string_view kThreeDigits = "[0-9][0-9][0-9]";
}  // namespace expressions

namespace {

struct KnownExpression {
  std::string_view expression;
  SplitRule rule;
};
const KnownExpression kKnown[] = {
    {expressions::kLlama3, SplitRule::kLlama3},
    {expressions::kQwen2, SplitRule::kQwen2},
    {expressions::kQwen35, SplitRule::kQwen35},
    {expressions::kGpt4o, SplitRule::kGpt4o},
    {expressions::kTekken, SplitRule::kTekken},
    {expressions::kSeedCoder, SplitRule::kSeedCoder},
    {expressions::kBloom, SplitRule::kBloom},
};

}  // namespace

std::string EscapedLines(std::string_view expression) {
  std::string text;
  for (const char c : expression) {
    if (c == '\r') {
      text += "\\r";
    } else if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text;
}

std::optional<SplitRule> FindKnownExpression(std::string_view expression) {
  const std::string escaped = EscapedLines(expression);
  for (const KnownExpression& known : kKnown) {
    if (known.expression == escaped) return known.rule;
  }
  return std::nullopt;
}

}  // namespace braid
