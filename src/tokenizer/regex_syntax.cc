#include "tokenizer/regex_syntax.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/spec.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

// Groups inside groups; PCRE2's own limit is 250.
constexpr size_t kDeepest = 64;

// What \w matches in a class, as the inside of one: PCRE2's own lacks marks.
constexpr std::string_view kWordInClass = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
// Outside of classes Oniguruma's \w, and \b with it, has the other numbers of
// Latin-1, too.
constexpr std::string_view kWordClass =
    R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";
// \s and \S: PCRE2's has U+180E, which is white space no longer.
constexpr std::string_view kSpaceClass = R"(\p{White_Space})";
constexpr std::string_view kNoSpaceClass = R"(\P{White_Space})";
constexpr std::string_view kHexClass = "0-9a-fA-F";

// Properties that both have under this name.
constexpr std::string_view kProperties[] = {
    "L",          "Lu",       "Ll",       "Lt",       "Lm",        "Lo",
    "M",          "Mn",       "Mc",       "Me",       "N",         "Nd",
    "Nl",         "No",       "P",        "Pc",       "Pd",        "Ps",
    "Pe",         "Pi",       "Pf",       "Po",       "S",         "Sm",
    "Sc",         "Sk",       "So",       "Z",        "Zs",        "Zl",
    "Zp",         "C",        "Cc",       "Cf",       "Co",        "Cn",
    "Arabic",     "Armenian", "Bengali",  "Bopomofo", "Common",    "Cyrillic",
    "Devanagari", "Ethiopic", "Georgian", "Greek",    "Gujarati",  "Gurmukhi",
    "Han",        "Hangul",   "Hebrew",   "Hiragana", "Inherited", "Kannada",
    "Katakana",   "Khmer",    "Lao",      "Latin",    "Malayalam", "Mongolian",
    "Myanmar",    "Oriya",    "Sinhala",  "Tamil",    "Telugu",    "Thai",
    "Tibetan"};

// Pairs of letters that a single character folds to.
constexpr std::string_view kFoldingPairs[] = {"ss", "ff", "fi", "fl", "st"};

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
char Lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

class Translator {
 public:
  explicit Translator(std::string_view expression) : in_(expression) {}

  Result<std::string> Run() {
    groups_.push_back({.closing = ""});
    while (at_ < in_.size()) {
      begin_ = at_;
      BRAID_TRY(Next());
    }
    if (groups_.size() != 1) return Refuse("a group is not closed");
    return out_ + groups_.back().closing;
  }

  // Of what Run() has translated.
  bool may_match_nothing() const { return groups_.back().MayBeEmpty(); }

 private:
  struct Group {
    bool ignore_case = false;
    bool assertion = false;
    bool empty = true;
    // Must what matches the alternative at hand have characters? And does an
    // alternative before it match none?
    bool takes = false;
    bool may_skip = false;
    size_t begin = 0;  // in out_
    std::string closing = ")";

    bool MayBeEmpty() const { return may_skip || !takes; }
  };
  // What a quantifier may follow: nothing, an item, an item with an interval.
  enum class Before { kNothing, kItem, kInterval };

  Error Refuse(std::string_view what) const {
    return Error{Format("regular expression \"{}\": {}, at byte {}",
                        Excerpt(in_), what, begin_)};
  }
  bool TakeIf(std::string_view text) {
    if (!in_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  bool ignore_case() const { return groups_.back().ignore_case; }

  Status Next() {
    switch (in_[at_]) {
      case '(':
        return TakeGroup();
      case ')':
        return CloseGroup();
      case '[':
        return TakeClass();
      case '\\':
        return TakeEscape();
      case '*':
      case '+':
      case '?':
        return TakeQuantifier();
      case '{':
        return TakeInterval();
      case '|':
        ++at_;
        groups_.back().may_skip = groups_.back().MayBeEmpty();
        groups_.back().takes = false;
        return Assertion("|");
      case '^':
        ++at_;
        return Assertion("(?m:^)");
      case '$':
        ++at_;
        return Assertion("(?m:$)");
      case '.':
        ++at_;
        return Item(".");
      default:
        return TakeLiteral();
    }
  }

  // What a quantifier may follow.
  Status Item(std::string_view text) {
    item_begin_ = out_.size();
    BRAID_TRY(Put(text, Before::kItem));
    Take(true);
    return {};
  }
  // The item just read must have characters, or need not.
  void Take(bool takes) {
    took_before_item_ = groups_.back().takes;
    groups_.back().takes = took_before_item_ || takes;
  }
  void MakeItemOptional() { groups_.back().takes = took_before_item_; }

  // What none may follow.
  Status Assertion(std::string_view text) {
    return Put(text, Before::kNothing);
  }
  Status Put(std::string_view text, Before before) {
    out_ += text;
    before_ = before;
    previous_letter_ = '\0';
    groups_.back().empty = false;
    return {};
  }

  Status TakeLiteral() {
    const Utf8Char character = DecodeUtf8(in_, at_);
    if (!character.valid) return Refuse("bytes that are no UTF-8");
    at_ += character.length;
    return Literal(character.code_point);
  }

  // A character that stands for itself.
  Status Literal(uint32_t code_point) {
    if (code_point >= 0x80) {
      if (ignore_case()) {
        return Refuse("a character outside ASCII without regard to case");
      }
      return Item(Escaped(code_point));
    }
    const char pair[] = {previous_letter_,
                         Lowered(static_cast<char>(code_point))};
    if (ignore_case() &&
        std::ranges::find(kFoldingPairs, std::string_view(pair, 2)) !=
            std::end(kFoldingPairs)) {
      return Refuse("letters that fold to one without regard to case");
    }
    BRAID_TRY(Item(Escaped(code_point)));
    previous_letter_ = pair[1];
    return {};
  }

  static std::string Escaped(uint32_t code_point) {
    std::string text;
    const char c = static_cast<char>(code_point);
    const bool plain =
        code_point >= 0x80 || IsLetter(c) || IsDigit(c) || code_point <= ' ';
    if (!plain) text += '\\';
    AppendUtf8(code_point, text);
    return text;
  }

  // Groups.

  Status TakeGroup() {
    ++at_;
    if (groups_.size() >= kDeepest) return Refuse("groups nested too deeply");
    if (!TakeIf("?")) return Open("(?:");
    for (const std::string_view kind : {"=", "!", "<=", "<!"}) {
      if (TakeIf(kind)) return Open(Format("(?{}", kind), true);
    }
    if (TakeIf(":")) return Open("(?:");
    if (TakeIf(">")) return Open("(?>");
    if (TakeIf("#")) return SkipComment();
    if (TakeIf("<")) return TakeName('>');
    if (TakeIf("'")) return TakeName('\'');
    return TakeOptions();
  }

  Status Open(std::string_view text, bool assertion = false) {
    Group group = {.ignore_case = ignore_case(),
                   .assertion = assertion,
                   .begin = out_.size()};
    BRAID_TRY(Assertion(text));
    groups_.push_back(std::move(group));
    return {};
  }

  Status CloseGroup() {
    ++at_;
    if (groups_.size() == 1) return Refuse("a ) without its (");
    const Group group = std::move(groups_.back());
    groups_.pop_back();
    BRAID_TRY(Assertion(group.closing));
    if (group.assertion) return {};
    item_begin_ = group.begin;
    before_ = Before::kItem;
    Take(!group.MayBeEmpty());
    return {};
  }

  Status SkipComment() {
    const size_t end = in_.find(')', at_);
    if (end == in_.npos) return Refuse("a comment is not closed");
    at_ = end + 1;
    return {};
  }

  // Names matter to back references only.
  Status TakeName(char end_mark) {
    const size_t end = in_.find(end_mark, at_);
    const bool named =
        end != in_.npos && end > at_ &&
        std::ranges::all_of(in_.substr(at_, end - at_), [](char c) {
          return IsLetter(c) || IsDigit(c) || c == '_';
        });
    if (!named) return Refuse("a group of an unknown kind");
    at_ = end + 1;
    return Open("(?:");
  }

  // (?im-im: and (?im-im)
  Status TakeOptions() {
    std::string options = "(?";
    bool on = true;
    bool without_case = ignore_case();
    for (; at_ < in_.size() && in_[at_] != ')' && in_[at_] != ':'; ++at_) {
      const char option = in_[at_];
      if (option != '-' && option != 'i' && option != 'm') {
        return Refuse("a group or option of an unknown kind");
      }
      if (option == 'i') without_case = on;
      on = on && option != '-';
      options += option == 'm' ? 's' : option;
    }
    if (at_ == in_.size()) return Refuse("a group is not closed");
    const bool rest_of_group = in_[at_++] == ')';
    if (!rest_of_group) {
      BRAID_TRY(Open(options + ":"));
      groups_.back().ignore_case = without_case;
      return {};
    }
    // Behind an alternative the two disagree about how far options reach.
    Group& group = groups_.back();
    if (!group.empty) return Refuse("options in the middle of a group");
    out_ += options + ":";
    group.ignore_case = without_case;
    group.closing += ")";
    return {};
  }

  // Quantifiers.

  Status TakeQuantifier() {
    if (before_ == Before::kNothing) return Refuse("nothing to repeat");
    if (before_ == Before::kInterval) {
      // Behind an interval, ? makes it reluctant and + repeats it.
      if (in_[at_] == '*') return Refuse("a quantifier on a quantifier");
      if (in_[at_] == '+' || fixed_interval_) {
        if (in_[at_] == '?') MakeItemOptional();
        out_.insert(item_begin_, "(?:");
        out_ += ')';
      }
      out_ += in_[at_++];
      return EndQuantifier();
    }
    if (in_[at_] != '+') MakeItemOptional();
    out_ += in_[at_++];
    // Reluctant, possessive.
    if (at_ < in_.size() && (in_[at_] == '?' || in_[at_] == '+')) {
      out_ += in_[at_++];
    }
    return EndQuantifier();
  }

  Status EndQuantifier() {
    before_ = Before::kNothing;
    previous_letter_ = '\0';
    if (at_ < in_.size() && (in_[at_] == '*' || in_[at_] == '+' ||
                             in_[at_] == '?' || IntervalAt(at_))) {
      return Refuse("a quantifier on a quantifier");
    }
    return {};
  }

  struct Interval {
    std::string_view lowest;
    std::string_view highest;
    bool has_comma = false;
    size_t end = 0;
  };
  // {n}, {n,}, {,m} or {n,m}; anything else in braces is text.
  std::optional<Interval> IntervalAt(size_t at) const {
    if (at >= in_.size() || in_[at] != '{') return std::nullopt;
    const auto digits = [&](size_t from) {
      size_t end = from;
      while (end < in_.size() && IsDigit(in_[end])) ++end;
      return in_.substr(from, end - from);
    };
    Interval interval;
    interval.lowest = digits(at + 1);
    size_t end = at + 1 + interval.lowest.size();
    if (end < in_.size() && in_[end] == ',') {
      interval.has_comma = true;
      interval.highest = digits(end + 1);
      end += 1 + interval.highest.size();
    }
    const bool bounded = !interval.lowest.empty() || !interval.highest.empty();
    if (end >= in_.size() || in_[end] != '}' || !bounded) return std::nullopt;
    interval.end = end + 1;
    return interval;
  }

  Status TakeInterval() {
    const std::optional<Interval> interval = IntervalAt(at_);
    if (!interval) return TakeLiteral();
    if (before_ != Before::kItem) return Refuse("nothing to repeat");
    at_ = interval->end;
    out_ += Format("{{}", interval->lowest.empty() ? "0" : interval->lowest);
    if (interval->has_comma) out_ += Format(",{}", interval->highest);
    out_ += '}';
    if (interval->lowest.find_first_not_of('0') == std::string_view::npos) {
      MakeItemOptional();
    }
    fixed_interval_ = !interval->has_comma;
    before_ = Before::kInterval;
    previous_letter_ = '\0';
    if (IntervalAt(at_)) return Refuse("a quantifier on a quantifier");
    return {};
  }

  // Escapes.

  Status TakeEscape() {
    ++at_;
    if (at_ == in_.size()) return Refuse("a \\ at the end");
    const char c = in_[at_];
    if (c == 'p' || c == 'P') {
      BRAID_ASSIGN(const std::string property, TakeProperty());
      return Item(property);
    }
    if (const std::string_view same = SameClass(c); !same.empty()) {
      ++at_;
      return Item(same);
    }
    const std::string word(kWordClass);
    ++at_;
    switch (c) {
      case 'w':
        return Item(Format("[{}]", word));
      case 'W':
        return Item(Format("[^{}]", word));
      case 'h':
        return Item(Format("[{}]", kHexClass));
      case 'H':
        return Item(Format("[^{}]", kHexClass));
      case 'b':
        return Assertion(Format("(?:(?<=[{}])(?![{}])|(?<![{}])(?=[{}]))", word,
                                word, word, word));
      case 'B':
        return Assertion(Format("(?:(?<=[{}])(?=[{}])|(?<![{}])(?![{}]))", word,
                                word, word, word));
      case 'A':
        return Assertion("\\A");
      case 'z':
        return Assertion("\\z");
      case 'Z':
        return Assertion("\\Z");
      default:
        --at_;
        break;
    }
    BRAID_ASSIGN(const uint32_t code_point, TakeEscapedCharacter());
    return Literal(code_point);
  }

  // Classes that both write alike.
  static std::string_view SameClass(char c) {
    switch (c) {
      case 's':
        return kSpaceClass;
      case 'S':
        return kNoSpaceClass;
      case 'd':
        return "\\d";
      case 'D':
        return "\\D";
      default:
        return {};
    }
  }

  // At the character behind the \.
  Result<uint32_t> TakeEscapedCharacter() {
    constexpr std::string_view kLetters = "tnrfvae";
    constexpr uint32_t kCodes[] = {'\t', '\n', '\r', '\f', '\v', 0x07, 0x1B};
    const char c = in_[at_];
    if (const size_t known = kLetters.find(c); known != kLetters.npos) {
      ++at_;
      return kCodes[known];
    }
    if (c == 'x' || c == 'u') return TakeNumber();
    if (IsLetter(c) || IsDigit(c)) {
      return Refuse(Format("\\{} is not supported", std::string(1, c)));
    }
    const Utf8Char character = DecodeUtf8(in_, at_);
    if (!character.valid) return Refuse("bytes that are no UTF-8");
    at_ += character.length;
    return character.code_point;
  }

  // xHH, x{H...}, uHHHH
  Result<uint32_t> TakeNumber() {
    const bool braces = TakeIf("x{");
    const bool is_byte = !braces && in_[at_] == 'x';
    if (!braces) ++at_;
    const size_t most = braces ? 8 : is_byte ? 2 : 4;
    uint32_t number = 0;
    size_t digits = 0;
    for (; digits < most && at_ < in_.size(); ++digits, ++at_) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const size_t digit = kDigits.find(Lowered(in_[at_]));
      if (digit == kDigits.npos) break;
      number = number << 4 | static_cast<uint32_t>(digit);
    }
    const bool whole = braces ? digits > 0 && TakeIf("}") : digits == most;
    const bool scalar =
        number < 0x110000 && (number < 0xD800 || number > 0xDFFF);
    if (!whole || !scalar || (is_byte && number > 0x7F)) {
      return Refuse("a number that is no character");
    }
    return number;
  }

  // p{Name}, P{Name}, p{^Name}, at the p.
  Result<std::string> TakeProperty() {
    bool negated = in_[at_++] == 'P';
    if (!TakeIf("{")) return Refuse("\\p without {");
    if (TakeIf("^")) negated = !negated;
    const size_t end = in_.find('}', at_);
    const std::string_view name =
        in_.substr(at_, end == in_.npos ? 0 : end - at_);
    if (std::ranges::find(kProperties, name) == std::end(kProperties)) {
      return Refuse(
          Format("the property \"{}\" is not supported", Excerpt(name)));
    }
    const bool of_case = name == "Lu" || name == "Ll" || name == "Lt";
    if (of_case && ignore_case()) {
      return Refuse("a property of case without regard to case");
    }
    at_ = end + 1;
    return Format("\\{}{{}}", negated ? "P" : "p", name);
  }

  // Classes.

  Status TakeClass() {
    ++at_;
    std::string text = TakeIf("^") ? "[^" : "[";
    // A class in a class is a union, which is flat.
    for (size_t depth = 1; depth > 0;) {
      if (at_ == in_.size()) return Refuse("a class is not closed");
      if (TakeIf("]")) {
        if (text.back() == '[' || text == "[^") return Refuse("an empty class");
        --depth;
      } else if (TakeIf("[")) {
        if (TakeIf(":")) return Refuse("POSIX brackets");
        if (TakeIf("^")) return Refuse("a negated class in a class");
        if (in_.substr(at_).starts_with("]")) return Refuse("an empty class");
        if (++depth > kDeepest) return Refuse("classes nested too deeply");
      } else if (TakeIf("&&")) {
        return Refuse("an intersection of classes");
      } else {
        BRAID_TRY(TakeClassItem(text));
      }
    }
    return Item(text + "]");
  }

  Status TakeClassItem(std::string& text) {
    BRAID_ASSIGN(const auto first, TakeClassCharacter(text));
    const std::string_view rest = in_.substr(at_);
    const bool is_range = rest.size() > 1 && rest[0] == '-' && rest[1] != ']';
    if (!is_range) return {};
    ++at_;
    if (!first || in_[at_] == '[') return Refuse("a - between classes");
    text += '-';
    BRAID_ASSIGN(const auto last, TakeClassCharacter(text));
    if (!last || *last < *first) return Refuse("a range without an end");
    return {};
  }

  // A character of a class, or nothing for several; appended to `text`.
  Result<std::optional<uint32_t>> TakeClassCharacter(std::string& text) {
    std::optional<uint32_t> code_point;
    if (!TakeIf("\\")) {
      const Utf8Char character = DecodeUtf8(in_, at_);
      if (!character.valid) return Refuse("bytes that are no UTF-8");
      at_ += character.length;
      code_point = character.code_point;
    } else {
      if (at_ == in_.size()) return Refuse("a \\ at the end");
      BRAID_ASSIGN(code_point, TakeClassEscape(text));
    }
    if (!code_point) return code_point;
    if (*code_point >= 0x80 && ignore_case()) {
      return Refuse("a character outside ASCII without regard to case");
    }
    text += Escaped(*code_point);
    return code_point;
  }

  Result<std::optional<uint32_t>> TakeClassEscape(std::string& text) {
    const char c = in_[at_];
    const std::string_view same = SameClass(c);
    if (c == 'p' || c == 'P') {
      BRAID_ASSIGN(const std::string property, TakeProperty());
      text += property;
      return std::optional<uint32_t>();
    }
    if (c == 'w' || c == 'h' || !same.empty()) {
      ++at_;
      text += c == 'w' ? kWordInClass : c == 'h' ? kHexClass : same;
      return std::optional<uint32_t>();
    }
    if (c == 'b') {
      ++at_;
      return std::optional<uint32_t>(0x08);
    }
    BRAID_ASSIGN(const uint32_t code_point, TakeEscapedCharacter());
    return std::optional<uint32_t>(code_point);
  }

  std::string_view in_;
  size_t at_ = 0;
  size_t begin_ = 0;  // of what is being translated
  std::string out_;
  std::vector<Group> groups_;
  Before before_ = Before::kNothing;
  size_t item_begin_ = 0;          // in out_
  bool took_before_item_ = false;  // Group::takes
  bool fixed_interval_ = false;
  char previous_letter_ = '\0';  // a literal just before, in lower case
};

}  // namespace

Result<std::string> TranslateRegex(std::string_view expression) {
  return Translator(expression).Run();
}

Result<bool> MayMatchNothing(std::string_view expression) {
  Translator translator(expression);
  BRAID_TRY(translator.Run());
  return translator.may_match_nothing();
}

}  // namespace braid
