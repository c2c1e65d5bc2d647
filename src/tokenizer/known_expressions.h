// The regular expressions that the pre-tokenizers of models in use are made of,
// as their tokenizer.json write them, and their splitters by hand.
#ifndef BRAID_SRC_TOKENIZER_KNOWN_EXPRESSIONS_H_
#define BRAID_SRC_TOKENIZER_KNOWN_EXPRESSIONS_H_

#include <optional>
#include <string>
#include <string_view>

#include "tokenizer/pretokenize.h"

namespace braid {

namespace expressions {
extern const std::string_view kLlama3;
extern const std::string_view kQwen2;
extern const std::string_view kQwen35;
extern const std::string_view kGpt4o;
extern const std::string_view kTekken;
extern const std::string_view kSeedCoder;
extern const std::string_view kBloom;
// DeepSeek V3's three, and DeepSeek Coder's; Falcon's digits.
extern const std::string_view kThreeNumbers;
extern const std::string_view kHanAndKana;
extern const std::string_view kDeepseekV3Words;
extern const std::string_view kNewline;
extern const std::string_view kSpaceLetters;
extern const std::string_view kSpacePunctuation;
extern const std::string_view kEastAsian;
extern const std::string_view kThreeDigits;
}  // namespace expressions

// In JSON an expression may hold "\n" as that character or as two: the second
// form.
std::string EscapedLines(std::string_view expression);

// The rule that cuts exactly where the expression matches or does not;
// nullopt: none of ours does.
std::optional<SplitRule> FindKnownExpression(std::string_view expression);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_KNOWN_EXPRESSIONS_H_
