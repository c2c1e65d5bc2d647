#include "tokenizer/text_pattern.h"

#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/known_expressions.h"
#include "tokenizer/regex_syntax.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

// Puts the spans of a text together from its matches.
class SpanList {
 public:
  explicit SpanList(std::vector<Span>& spans) : spans_(spans) {
    spans_.clear();
  }
  void AddMatch(size_t begin, size_t end) {
    FillTo(begin);
    spans_.push_back({begin, end, true});
    end_ = end;
  }
  void FillTo(size_t end) {
    if (end > end_) spans_.push_back({end_, end, false});
  }

 private:
  std::vector<Span>& spans_;
  size_t end_ = 0;
};

}  // namespace

Result<TextPattern> TextPattern::Read(const Json& pattern) {
  const std::string* text = pattern["String"].Text();
  const std::string* expression = pattern["Regex"].Text();
  if (pattern.Members().size() != 1 ||
      (text == nullptr) == (expression == nullptr)) {
    return Error{"pattern: expected {\"String\": ...} or {\"Regex\": ...}"};
  }
  if (text != nullptr) return OfString(*text);
  TextPattern result;
  BRAID_ASSIGN(result.regex_, Regex::Make(*expression));
  BRAID_ASSIGN(result.may_match_nothing_, MayMatchNothing(*expression));
  result.known_rule_ = FindKnownExpression(*expression);
  return result;
}

TextPattern TextPattern::OfCharacters(Belongs belongs) {
  TextPattern pattern;
  pattern.belongs_ = belongs;
  return pattern;
}

TextPattern TextPattern::OfString(std::string text) {
  TextPattern pattern;
  pattern.text_ = std::move(text);
  pattern.may_match_nothing_ = pattern.text_.empty();
  return pattern;
}

void TextPattern::FindSpans(std::string_view text,
                            std::vector<Span>& spans) const {
  SpanList list(spans);
  if (regex_) {
    regex_->ForEachMatch(
        text, [&](size_t begin, size_t end) { list.AddMatch(begin, end); });
  } else if (belongs_ != nullptr) {
    for (size_t at = 0; at < text.size();) {
      const Utf8Char character = DecodeUtf8(text, at);
      const size_t end = at + character.length;
      if (character.valid && belongs_(character.code_point)) {
        list.AddMatch(at, end);
      }
      at = end;
    }
  } else if (text_.empty()) {
    // As in `tokenizers`: nothing is found between any two characters.
    for (size_t at = 0; at < text.size(); at += DecodeUtf8(text, at).length) {
      list.AddMatch(at, at);
    }
    list.AddMatch(text.size(), text.size());
  } else {
    for (size_t at = text.find(text_); at != text.npos;
         at = text.find(text_, at + text_.size())) {
      list.AddMatch(at, at + text_.size());
    }
  }
  list.FillTo(text.size());
}

}  // namespace braid
