#include "chat/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "chat/string_literal.h"

namespace braid::chat {

namespace {

// Line ends become '\n', and the last one of the source is left out.
Text Normalized(TextView source) {
  Text text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      text.push_back('\n');
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      text.push_back(source[i]);
    }
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

bool IsAsciiDigit(char32_t c) { return c >= '0' && c <= '9'; }

bool StartsName(char32_t c) { return c == '_' || IsAlphabetic(c); }

bool ContinuesName(char32_t c) { return StartsName(c) || IsDecimal(c); }

class Lexer {
 public:
  explicit Lexer(TextView source) : source_(Normalized(source)) {
    line_starts_.push_back(0);
    for (size_t i = 0; i < source_.size(); ++i) {
      if (source_[i] == '\n') line_starts_.push_back(i + 1);
    }
  }

  Result<std::vector<Token>> Run() {
    while (at_ < source_.size()) BRAID_TRY(NextTag());
    Add(Token::Kind::kEnd, source_.size());
    return std::move(tokens_);
  }

 private:
  Place PlaceOf(size_t at) const {
    const auto line =
        std::upper_bound(line_starts_.begin(), line_starts_.end(), at) - 1;
    return {static_cast<int>(line - line_starts_.begin()) + 1,
            static_cast<int>(at - *line) + 1};
  }

  Token& Add(Token::Kind kind, size_t at) {
    Token& token = tokens_.emplace_back();
    token.kind = kind;
    token.place = PlaceOf(at);
    return token;
  }

  void AddText(size_t begin, size_t end) {
    if (begin < end) {
      Add(Token::Kind::kText, begin).value =
          MakeString(source_.substr(begin, end - begin));
    }
  }

  bool At(size_t at, std::string_view ascii) const {
    if (source_.size() - std::min(at, source_.size()) < ascii.size()) {
      return false;
    }
    return std::equal(
        ascii.begin(), ascii.end(), source_.begin() + at,
        [](char a, char32_t b) { return static_cast<char32_t>(a) == b; });
  }

  size_t SkipSpace(size_t at) const {
    while (at < source_.size() && IsSpace(source_[at])) ++at;
    return at;
  }

  // The text before the next tag, and the tag.
  Status NextTag() {
    size_t tag = at_;
    while (tag < source_.size() && !At(tag, "{%") && !At(tag, "{{") &&
           !At(tag, "{#")) {
      ++tag;
    }
    if (tag == source_.size()) {
      AddText(at_, tag);
      at_ = tag;
      return {};
    }
    const char32_t kind = source_[tag + 1];
    size_t inside = tag + 2;
    const char32_t sign = inside < source_.size() ? source_[inside] : 0;
    if (sign == '-' || sign == '+') ++inside;
    AddText(at_, TextEnd(at_, tag, sign, kind == '{'));
    at_ = inside;
    if (kind == '#') return SkipComment(tag);
    if (kind == '%') {
      if (const std::optional<size_t> raw = AfterRawTag(inside, "raw")) {
        return ReadRaw(tag, *raw);
      }
    }
    return ReadInside(tag, kind == '%');
  }

  // Where the text from `begin` to a tag ends: white space before the tag may
  // not belong to it.
  size_t TextEnd(size_t begin, size_t tag, char32_t sign, bool output) const {
    if (sign == '-') {
      while (tag > begin && IsSpace(source_[tag - 1])) --tag;
      return tag;
    }
    if (sign == '+' || output) return tag;
    size_t line = tag;
    while (line > begin && source_[line - 1] != '\n') --line;
    if (line == begin && !line_starting_) return tag;
    const bool blank =
        std::all_of(source_.begin() + line, source_.begin() + tag, IsSpace);
    return blank ? line : tag;
  }

  // Goes behind the end of a tag that begins at `at` with an optional sign, if
  // one does; `close` is "%}", "}}" or "#}".
  bool SkipEnd(size_t at, std::string_view close) {
    const bool output = close == "}}";
    if (At(at, "-") && At(at + 1, close)) {
      at_ = SkipSpace(at + 3);
    } else if (!output && At(at, "+") && At(at + 1, close)) {
      at_ = at + 3;
    } else if (At(at, close)) {
      at_ = at + 2;
      if (!output && At(at_, "\n")) ++at_;
    } else {
      return false;
    }
    line_starting_ = source_[at_ - 1] == '\n';
    return true;
  }

  Status SkipComment(size_t tag) {
    for (size_t at = at_; at < source_.size(); ++at) {
      if (SkipEnd(at, "#}")) return {};
    }
    return ErrorAt(PlaceOf(tag), "the comment has no end");
  }

  // The place behind `word` and the space around it, if it is all that there is
  // in the tag.
  std::optional<size_t> AfterRawTag(size_t at, std::string_view word) const {
    at = SkipSpace(at);
    if (!At(at, word)) return {};
    at = SkipSpace(at + word.size());
    const bool closes =
        At(at, "%}") || At(at, "-%}") || (word == "endraw" && At(at, "+%}"));
    return closes ? std::optional(at) : std::nullopt;
  }

  Status ReadRaw(size_t tag, size_t close) {
    at_ = At(close, "-") ? SkipSpace(close + 3) : close + 2;
    line_starting_ = source_[at_ - 1] == '\n';
    for (size_t end = at_; end < source_.size(); ++end) {
      if (!At(end, "{%")) continue;
      const char32_t sign = end + 2 < source_.size() ? source_[end + 2] : 0;
      const bool has_sign = sign == '-' || sign == '+';
      const auto last = AfterRawTag(end + 2 + (has_sign ? 1 : 0), "endraw");
      if (!last.has_value()) continue;
      AddText(at_, TextEnd(at_, end, sign, false));
      SkipEnd(*last, "%}");
      return {};
    }
    return ErrorAt(PlaceOf(tag), "the raw block has no end");
  }

  // The tokens of a tag, up to its end.
  Status ReadInside(size_t tag, bool block) {
    Add(block ? Token::Kind::kBlockBegin : Token::Kind::kOutputBegin, tag);
    brackets_.clear();
    while (true) {
      const size_t before = at_;
      if (brackets_.empty() && SkipEnd(at_, block ? "%}" : "}}")) {
        Add(block ? Token::Kind::kBlockEnd : Token::Kind::kOutputEnd, before);
        return {};
      }
      if (at_ == source_.size()) {
        return ErrorAt(PlaceOf(tag), "the tag has no end");
      }
      const char32_t c = source_[at_];
      if (IsSpace(c)) {
        ++at_;
      } else if (IsAsciiDigit(c)) {
        BRAID_TRY(ReadNumber());
      } else if (StartsName(c)) {
        ReadName();
      } else if (c == '\'' || c == '"') {
        BRAID_TRY(ReadString());
      } else {
        BRAID_TRY(ReadOperator());
      }
    }
  }

  void ReadName() {
    const size_t begin = at_;
    while (at_ < source_.size() && ContinuesName(source_[at_])) ++at_;
    Add(Token::Kind::kName, begin).name =
        BytesOf(TextView(source_).substr(begin, at_ - begin));
  }

  // Digits of a base with single underscores between them, without these.
  std::string ReadDigits(size_t& at, int base) const {
    const auto is_digit = [&](char32_t c) {
      if (base == 16) return c < 128 && std::isxdigit(static_cast<int>(c)) != 0;
      return c >= '0' && c < static_cast<char32_t>('0' + base);
    };
    std::string digits;
    while (at < source_.size()) {
      const bool joint = source_[at] == '_' && at + 1 < source_.size() &&
                         is_digit(source_[at + 1]);
      if (joint) ++at;
      if (!is_digit(source_[at])) break;
      digits.push_back(static_cast<char>(source_[at]));
      ++at;
    }
    return digits;
  }

  Status ReadNumber() {
    const size_t begin = at_;
    const char32_t letter =
        At(at_, "0") && at_ + 1 < source_.size() ? source_[at_ + 1] | 0x20 : 0;
    const int base = letter == 'x'   ? 16
                     : letter == 'o' ? 8
                     : letter == 'b' ? 2
                                     : 0;
    if (base != 0) {
      at_ += 2;
      return AddInteger(begin, ReadDigits(at_, base), base);
    }
    const std::string whole = ReadDigits(at_, 10);
    std::string number = whole + ReadFraction() + ReadExponent();
    if (number == whole || (begin > 0 && source_[begin - 1] == '.')) {
      // After a dot stands the index of an item.
      if (number != whole) at_ = begin + whole.size();
      return AddInteger(begin, whole, 10);
    }
    double value = 0;
    std::from_chars(number.data(), number.data() + number.size(), value);
    Add(Token::Kind::kFloat, begin).value = value;
    return {};
  }

  std::string ReadFraction() {
    size_t at = at_ + 1;
    if (!At(at_, ".") || at >= source_.size() || !IsAsciiDigit(source_[at])) {
      return "";
    }
    const std::string digits = ReadDigits(at, 10);
    at_ = at;
    return "." + digits;
  }

  std::string ReadExponent() {
    if (!At(at_, "e") && !At(at_, "E")) return "";
    size_t at = at_ + 1;
    const bool negative = At(at, "-");
    if (negative || At(at, "+")) ++at;
    if (at >= source_.size() || !IsAsciiDigit(source_[at])) return "";
    const std::string digits = ReadDigits(at, 10);
    at_ = at;
    return Format("e{}{}", negative ? "-" : "", digits);
  }

  Status AddInteger(size_t begin, const std::string& digits, int base) {
    int64_t value = 0;
    const auto parsed = std::from_chars(
        digits.data(), digits.data() + digits.size(), value, base);
    const bool padded =
        base == 10 && digits.size() > 1 && digits[0] == '0' && value != 0;
    if (parsed.ec != std::errc() || padded) {
      return ErrorAt(PlaceOf(begin),
                     Format("'{}' is no number of 64 bits", digits));
    }
    Add(Token::Kind::kInteger, begin).value = value;
    return {};
  }

  Status ReadString() {
    const size_t begin = at_;
    const char32_t quote = source_[at_++];
    const size_t inside = at_;
    while (at_ < source_.size() && source_[at_] != quote) {
      at_ += source_[at_] == '\\' ? 2 : 1;
    }
    if (at_ >= source_.size()) {
      return ErrorAt(PlaceOf(begin), "the string has no end");
    }
    auto text = Unescape(TextView(source_).substr(inside, at_ - inside));
    if (!text.ok()) return ErrorAt(PlaceOf(begin), text.error().message);
    ++at_;
    Add(Token::Kind::kString, begin).value = MakeString(*std::move(text));
    return {};
  }

  Status ReadOperator() {
    constexpr std::array<std::string_view, 26> kOperators = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
        "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
    for (const std::string_view name : kOperators) {
      if (!At(at_, name)) continue;
      BRAID_TRY(Balance(name[0]));
      Add(Token::Kind::kOperator, at_).name = std::string(name);
      at_ += name.size();
      return {};
    }
    return ErrorAt(PlaceOf(at_),
                   Format("'{}' has no meaning here",
                          BytesOf(TextView(source_).substr(at_, 1))));
  }

  // Inside brackets no tag ends.
  Status Balance(char c) {
    constexpr std::string_view kOpen = "([{";
    constexpr std::string_view kClose = ")]}";
    if (kOpen.find(c) != std::string_view::npos) brackets_.push_back(c);
    const size_t close = kClose.find(c);
    if (close == std::string_view::npos) return {};
    if (brackets_.empty() || brackets_.back() != kOpen[close]) {
      return ErrorAt(PlaceOf(at_),
                     Format("'{}' closes nothing", std::string(1, c)));
    }
    brackets_.pop_back();
    return {};
  }

  Text source_;
  std::vector<size_t> line_starts_;
  std::vector<Token> tokens_;
  std::string brackets_;  // that are open
  size_t at_ = 0;
  bool line_starting_ = true;  // does a line begin at at_?
};

}  // namespace

Result<std::vector<Token>> Tokenize(TextView source) {
  return Lexer(source).Run();
}

Error ErrorAt(Place place, const std::string& message) {
  return Error{
      Format("line {}, column {}: {}", place.line, place.column, message)};
}

}  // namespace braid::chat
