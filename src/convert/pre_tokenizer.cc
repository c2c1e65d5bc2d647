#include "convert/pre_tokenizer.h"

#include <algorithm>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/spec.h"

namespace braid::convert {

namespace {

// A definition on one line: its steps, each ended by a line feed. A split is
// "split " and its expression, the rest are words.
#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define LINES_AND_SPACES R"(\s*[\r\n]+|\s+(?!\S)|\s+)"
#define UPPER R"(\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M})"
#define LOWER R"(\p{Ll}\p{Lm}\p{Lo}\p{M})"
#define LEAD R"([^\r\n\p{L}\p{N}]?)"

constexpr std::string_view kGpt2 = "gpt-2\n";
constexpr std::string_view kDigitsGpt2 = "digits\ngpt-2\n";
constexpr std::string_view kLlama3 =
    "split " CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n]*|)" LINES_AND_SPACES "\n";
constexpr std::string_view kQwen2 =
    "split " CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n]*|)" LINES_AND_SPACES "\n";
constexpr std::string_view kQwen35 =
    "split " CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}|)"
    R"( ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|)" LINES_AND_SPACES "\n";
constexpr std::string_view kGpt4o =
    "split " LEAD "[" UPPER "]*[" LOWER "]+" CONTRACTIONS "?|" LEAD "[" UPPER
    "]+[" LOWER "]*" CONTRACTIONS R"(?|\p{N}{1,3}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n/]*|)" LINES_AND_SPACES "\n";
constexpr std::string_view kTekken =
    "split " LEAD "[" UPPER "]*[" LOWER "]+|" LEAD "[" UPPER "]+[" LOWER
    R"(]*|\p{N}|)"
    R"( ?[^\s\p{L}\p{N}]+[\r\n/]*|)" LINES_AND_SPACES "\n";
constexpr std::string_view kSeedCoder =
    "split " CONTRACTIONS R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|)"
    R"( ?[^\s\p{L}\p{N}\r\n]+|)" LINES_AND_SPACES "\n";
constexpr std::string_view kDeepseekV3 =
    "split \\p{N}{1,3}\n"
    "split [\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+\n"
    R"(split [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|)"
    R"([^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)" LINES_AND_SPACES
    "\n";
constexpr std::string_view kDeepseekCoder =
    "split [\\r\\n]\nsplit \\s?\\p{L}+\nsplit \\s?\\p{P}+\n"
    "split [\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+\ndigits\n";
constexpr std::string_view kFalcon =
    "punctuation\ngpt-2\nsplit [0-9][0-9][0-9]\n";
constexpr std::string_view kBloom =
    "split  ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+\n";

struct KnownDefinition {
  std::string_view definition;
  bool ignore_merges;
  bool nfc;
  std::string_view pre;
};
// Names that mean the same to every reader are there once.
constexpr KnownDefinition kKnown[] = {
    {kGpt2, false, false, "gpt-2"},
    {kGpt2, false, true, "olmo"},
    {kDigitsGpt2, false, false, "smollm"},
    {kLlama3, true, false, "llama-bpe"},
    {kLlama3, false, false, "dbrx"},
    {kQwen2, false, true, "qwen2"},
    {kQwen2, false, false, "stablelm2"},
    {kQwen35, false, true, "qwen35"},
    {kGpt4o, false, false, "gpt-4o"},
    {kTekken, true, false, "tekken"},
    {kSeedCoder, false, false, "seed-coder"},
    {kDeepseekV3, false, false, "deepseek-v3"},
    {kDeepseekCoder, false, false, "deepseek-coder"},
    {kFalcon, false, false, "falcon"},
    {kBloom, false, false, "bloom"},
};

// In JSON an expression may hold "\n" as that character or as two: one form.
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

// A step; the empty string for one that cuts nothing.
std::string StepText(const Json& step) {
  const std::string* type = step["type"].Text();
  if (type == nullptr) return "unknown\n";
  if (*type == "ByteLevel") {
    // Files from before `use_regex` was an option use it.
    return step["use_regex"].Bool().value_or(true) ? "gpt-2\n" : "";
  }
  if (*type == "Digits") {
    return step["individual_digits"].Bool().value_or(false) ? "digits\n"
                                                            : "Digits\n";
  }
  if (*type == "Punctuation") return "punctuation\n";
  const std::string* regex = step["pattern"]["Regex"].Text();
  if (*type == "Split" && regex != nullptr) {
    // One digit at a time, said in another way.
    if (*regex == "\\p{N}") return "digits\n";
    return Format("split {}\n", EscapedLines(*regex));
  }
  return Format("{}\n", *type);
}

std::string Definition(const Json& pre_tokenizer) {
  const auto steps = pre_tokenizer["pretokenizers"].Elements();
  if (steps.empty()) return StepText(pre_tokenizer);
  std::string definition;
  for (const Json& step : steps) definition += StepText(step);
  return definition;
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
  const std::string definition = Definition(tokenizer["pre_tokenizer"]);
  const bool ignore_merges =
      tokenizer["model"]["ignore_merges"].Bool().value_or(false);
  const bool nfc = HasNfc(tokenizer["normalizer"]);
  const KnownDefinition* similar = nullptr;
  for (const KnownDefinition& known : kKnown) {
    if (known.definition != definition) continue;
    if (known.ignore_merges == ignore_merges && known.nfc == nfc) {
      return std::string(known.pre);
    }
    similar = &known;
  }
  if (similar != nullptr) {
    return Error{
        Format("the pre-tokenizer is that of {}, but with "
               "ignore_merges {} and NFC {}, for which GGUF has no "
               "name",
               similar->pre, ignore_merges ? "on" : "off", nfc ? "on" : "off")};
  }
  return Error{Format("GGUF has no known name for the pre-tokenizer \"{}\"",
                      EscapedLines(definition.substr(0, 300)))};
}

}  // namespace braid::convert
