#include "convert/pre_tokenizer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/known_expressions.h"

namespace braid::convert {

namespace {

// The steps of a definition: "split " and an expression, or a word; none for
// what cuts nothing.
using Definition = std::vector<std::string>;

std::string Split(std::string_view expression) {
  return Format("split {}", expression);
}

struct KnownDefinition {
  Definition steps;
  bool ignore_merges;
  bool nfc;
  std::string_view pre;
};
// Names that mean the same to every reader are there once.
std::vector<KnownDefinition> KnownDefinitions() {
  using namespace expressions;
  const Definition gpt2 = {"gpt-2"};
  return {
      {gpt2, false, false, "gpt-2"},
      {gpt2, false, true, "olmo"},
      {{"digits", "gpt-2"}, false, false, "smollm"},
      {{Split(kLlama3)}, true, false, "llama-bpe"},
      {{Split(kLlama3)}, false, false, "dbrx"},
      {{Split(kQwen2)}, false, true, "qwen2"},
      {{Split(kQwen2)}, false, false, "stablelm2"},
      {{Split(kQwen35)}, false, true, "qwen35"},
      {{Split(kGpt4o)}, false, false, "gpt-4o"},
      {{Split(kTekken)}, true, false, "tekken"},
      {{Split(kSeedCoder)}, false, false, "seed-coder"},
      {{Split(kThreeNumbers), Split(kHanAndKana), Split(kDeepseekV3Words)},
       false,
       false,
       "deepseek-v3"},
      {{Split(kNewline), Split(kSpaceLetters), Split(kSpacePunctuation),
        Split(kEastAsian), "digits"},
       false,
       false,
       "deepseek-coder"},
      {{"punctuation", "gpt-2", Split(kThreeDigits)}, false, false, "falcon"},
      {{Split(kBloom)}, false, false, "bloom"},
  };
}

// Do all matches, and what lies between, become pieces? Where an expression
// matches everything, the matches alone are all pieces.
bool IsIsolated(const Json& step, std::string_view expression) {
  const std::string* behavior = step["behavior"].Text();
  const bool invert = step["invert"].Bool().value_or(false);
  if (behavior == nullptr || *behavior == "Isolated") return true;
  const std::optional<SplitRule> rule = FindKnownExpression(expression);
  return *behavior == "Removed" && invert && rule.has_value() &&
         *rule != SplitRule::kBloom;
}

// One step; empty if it cuts nothing.
std::string StepText(const Json& step) {
  const std::string* type = step["type"].Text();
  if (type == nullptr) return "unknown";
  if (*type == "ByteLevel") {
    if (step["add_prefix_space"].Bool().value_or(false)) {
      return "ByteLevel with add_prefix_space";
    }
    // Files from before `use_regex` was an option use it.
    return step["use_regex"].Bool().value_or(true) ? "gpt-2" : "";
  }
  if (*type == "Digits") {
    return step["individual_digits"].Bool().value_or(false) ? "digits"
                                                            : "Digits";
  }
  if (*type == "Punctuation") {
    const std::string* behavior = step["behavior"].Text();
    return behavior != nullptr && *behavior == "Contiguous" ? "punctuation"
                                                            : "Punctuation";
  }
  const std::string* regex = step["pattern"]["Regex"].Text();
  if (*type == "Split" && regex != nullptr && IsIsolated(step, *regex)) {
    // One digit at a time, said in another way.
    return *regex == "\\p{N}" ? "digits" : Split(EscapedLines(*regex));
  }
  return *type;
}

Definition DefinitionOf(const Json& pre_tokenizer) {
  Definition definition;
  const auto add = [&definition](const Json& step) {
    std::string text = StepText(step);
    if (!text.empty()) definition.push_back(std::move(text));
  };
  const auto steps = pre_tokenizer["pretokenizers"].Elements();
  if (steps.empty()) add(pre_tokenizer);
  for (const Json& step : steps) add(step);
  return definition;
}

std::string Joined(const Definition& definition) {
  std::string text;
  for (const std::string& step : definition) {
    text += Format("{}{}", text.empty() ? "" : ", ", step);
  }
  return text;
}

bool HasNfc(const Json& normalizer) {
  const auto is_nfc = [](const Json& step) {
    const std::string* type = step["type"].Text();
    return type != nullptr && *type == "NFC";
  };
  return is_nfc(normalizer) ||
         std::ranges::any_of(normalizer["normalizers"].Elements(), is_nfc);
}

}  // namespace

Result<std::string> RecognisePreTokenizer(const Json& tokenizer) {
  const Definition definition = DefinitionOf(tokenizer["pre_tokenizer"]);
  const bool ignore_merges =
      tokenizer["model"]["ignore_merges"].Bool().value_or(false);
  const bool nfc = HasNfc(tokenizer["normalizer"]);
  std::string_view similar;
  for (const KnownDefinition& known : KnownDefinitions()) {
    if (known.steps != definition) continue;
    if (known.ignore_merges == ignore_merges && known.nfc == nfc) {
      return std::string(known.pre);
    }
    similar = known.pre;
  }
  if (!similar.empty()) {
    return Error{
        Format("the pre-tokenizer is that of {}, but with "
               "ignore_merges {} and NFC {}, for which GGUF has no "
               "name",
               similar, ignore_merges ? "on" : "off", nfc ? "on" : "off")};
  }
  return Error{Format("GGUF has no known name for the pre-tokenizer \"{}\"",
                      Joined(definition).substr(0, 300))};
}

}  // namespace braid::convert
