// TextPattern: what a step of a tokenizer.json looks for in a text: a string, a
// regular expression, or characters of one kind.
#ifndef BRAID_SRC_TOKENIZER_TEXT_PATTERN_H_
#define BRAID_SRC_TOKENIZER_TEXT_PATTERN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "json/json.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/regex.h"

namespace braid {

// A match, or what lies between two.
struct Span {
  size_t begin;
  size_t end;
  bool is_match;
};

// Immutable; every method may be called from any thread.
class TextPattern {
 public:
  // {"String": text} or {"Regex": expression}. Errors: another object, those
  // of Regex::Make.
  static Result<TextPattern> Read(const Json& pattern);
  // Each character for which `belongs` is a match of its own.
  using Belongs = bool (*)(uint32_t code_point);
  static TextPattern OfCharacters(Belongs belongs);
  static TextPattern OfString(std::string text);

  // Replaces `spans` by those of `text`, in order and without gaps. Time
  // O(text.size()) but for regular expressions.
  void FindSpans(std::string_view text, std::vector<Span>& spans) const;

  // May a match be of no characters?
  bool may_match_nothing() const { return may_match_nothing_; }

  // The splitter by hand that cuts as this expression does where both its
  // matches and what lies between become pieces.
  std::optional<SplitRule> known_rule() const { return known_rule_; }

 private:
  TextPattern() = default;

  std::string text_;
  std::optional<Regex> regex_;
  Belongs belongs_ = nullptr;
  bool may_match_nothing_ = false;
  std::optional<SplitRule> known_rule_;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_TEXT_PATTERN_H_
