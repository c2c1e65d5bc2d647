#include "chat/filters.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "chat/json_text.h"
#include "chat/lookup.h"
#include "chat/methods.h"
#include "chat/operators.h"
#include "chat/python_text.h"
#include "chat/split_methods.h"

namespace braid::chat {

namespace {

// The value as text, with its mark of safe text.
Result<Value> Shown(Runtime& runtime, const Value& value) {
  if (AsText(value) != nullptr) return value;
  BRAID_ASSIGN(Text text, ToText(runtime, value));
  return runtime.NewString(std::move(text));
}

// A method of str, of the value's text.
Result<Value> ByMethod(Runtime& runtime, std::string_view method,
                       const Value& self, const Arguments& arguments) {
  BRAID_ASSIGN(const Value text, Shown(runtime, self));
  return FindStringMethod(method)(runtime, text, arguments);
}

Result<Value> FilterTrim(Runtime& runtime, const Value& self,
                         const Arguments& arguments) {
  return ByMethod(runtime, "strip", self, arguments);
}

Result<Value> FilterUpper(Runtime& runtime, const Value& self,
                          const Arguments& arguments) {
  return ByMethod(runtime, "upper", self, arguments);
}

Result<Value> FilterLower(Runtime& runtime, const Value& self,
                          const Arguments& arguments) {
  return ByMethod(runtime, "lower", self, arguments);
}

Result<Value> FilterCapitalize(Runtime& runtime, const Value& self,
                               const Arguments& arguments) {
  return ByMethod(runtime, "capitalize", self, arguments);
}

// Not str.title: words begin after white space, brackets and hyphens.
Result<Value> FilterTitle(Runtime& runtime, const Value& self,
                          const Arguments& arguments) {
  BRAID_TRY(Bind("title", {}, arguments));
  BRAID_ASSIGN(const Text text, ToText(runtime, self));
  const auto parts_words = [](char32_t c) {
    const char32_t code = CodePoint(c);
    return IsSpace(c) || code == '-' || code == '(' || code == '{' ||
           code == '[' || code == '<';
  };
  Text title;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    const bool gap = parts_words(text[at]);
    while (end < text.size() && parts_words(text[end]) == gap) ++end;
    title += Upper(TextView(text).substr(at, 1));
    title += Lower(TextView(text).substr(at + 1, end - at - 1));
    at = end;
  }
  return runtime.NewString(std::move(title), IsMarkup(self));
}

Result<Value> FilterReplace(Runtime& runtime, const Value& self,
                            const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound,
               Bind("replace", {"old", "new", "count"}, arguments));
  if (!bound[0].has_value() || !bound[1].has_value()) {
    return Error{"replace needs two texts"};
  }
  BRAID_ASSIGN(const Text text, ToText(runtime, self));
  BRAID_ASSIGN(const Text before, ToText(runtime, *bound[0]));
  BRAID_ASSIGN(const Text after, ToText(runtime, *bound[1]));
  int64_t most = -1;
  if (bound[2].has_value() && !IsNone(*bound[2])) {
    const auto count = AsInteger(*bound[2]);
    if (!count.has_value()) return Error{"replace: the count is no integer"};
    most = *count;
  }
  BRAID_ASSIGN(Text result, Replaced(runtime, text, before, after, most));
  return runtime.NewString(std::move(result));
}

Result<Value> FilterString(Runtime& runtime, const Value& self,
                           const Arguments& arguments) {
  BRAID_TRY(Bind("string", {}, arguments));
  return Shown(runtime, self);
}

Result<Value> FilterSafe(Runtime& runtime, const Value& self,
                         const Arguments& arguments) {
  BRAID_TRY(Bind("safe", {}, arguments));
  BRAID_ASSIGN(Text text, ToText(runtime, self));
  return runtime.NewString(std::move(text), true);
}

Result<Value> FilterEscape(Runtime& runtime, const Value& self,
                           const Arguments& arguments) {
  BRAID_TRY(Bind("escape", {}, arguments));
  if (IsMarkup(self)) return self;
  BRAID_ASSIGN(const Text text, ToText(runtime, self));
  return runtime.NewString(EscapedHtml(text), true);
}

Result<Value> FilterIndent(Runtime& runtime, const Value& self,
                           const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound,
               Bind("indent", {"width", "first", "blank"}, arguments));
  const bool first = bound[1].has_value() && Truth(*bound[1]);
  const bool blank = bound[2].has_value() && Truth(*bound[2]);
  const Value width = bound[0].value_or(int64_t{4});
  const auto spaces = AsInteger(width);
  if (AsText(self) == nullptr) {
    BRAID_TRY(CheckDefined(self));
    return Error{Format("indent needs a str, not {}", TypeName(self))};
  }
  if (!spaces.has_value() && AsText(width) == nullptr) {
    return Error{"indent: the width is no integer and no str"};
  }
  if (spaces.value_or(0) > runtime.limits().characters) {
    return Error{
        Format("more than {} characters", runtime.limits().characters)};
  }
  const Text margin =
      spaces.has_value()
          ? Text(static_cast<size_t>(std::max<int64_t>(*spaces, 0)), U' ')
          : *AsText(width);
  Text text = first ? margin : Text();
  bool is_first = true;
  for (const Text& line : LinesOf(*AsText(self) + Text(U"\n"))) {
    BRAID_TRY(runtime.Spend(1 + (line.size() + margin.size()) / 16));
    if (!is_first) {
      text.push_back('\n');
      if (blank || !line.empty()) text += margin;
    }
    text += line;
    is_first = false;
  }
  return runtime.NewString(std::move(text), IsMarkup(self));
}

// As transformers defines it: nothing is escaped for HTML.
Result<Value> FilterToJson(Runtime& runtime, const Value& self,
                           const Arguments& arguments) {
  BRAID_ASSIGN(
      const auto bound,
      Bind("tojson", {"ensure_ascii", "indent", "separators", "sort_keys"},
           arguments));
  JsonStyle style;
  style.ascii = bound[0].has_value() && Truth(*bound[0]);
  style.sorted = bound[3].has_value() && Truth(*bound[3]);
  if (bound[1].has_value() && !IsNone(*bound[1])) {
    const auto spaces = AsInteger(*bound[1]);
    const Text* margin = AsText(*bound[1]);
    if (!spaces.has_value() && margin == nullptr) {
      return Error{"tojson: the indent is no integer and no str"};
    }
    constexpr int64_t kMost = 1024;
    if (spaces.value_or(0) > kMost) {
      return Error{Format("tojson: an indent of {}, at most {} are allowed",
                          *spaces, kMost)};
    }
    style.indent =
        margin != nullptr
            ? *margin
            : Text(static_cast<size_t>(std::max<int64_t>(*spaces, 0)), U' ');
    style.between_items = U",";
  }
  if (bound[2].has_value() && !IsNone(*bound[2])) {
    BRAID_ASSIGN(const Values pair, Elements(runtime, *bound[2]));
    if (pair.size() != 2 || AsText(pair[0]) == nullptr ||
        AsText(pair[1]) == nullptr) {
      return Error{"tojson: the separators are no pair of str"};
    }
    style.between_items = *AsText(pair[0]);
    style.after_key = *AsText(pair[1]);
  }
  BRAID_ASSIGN(Text text, ToJson(runtime, self, style));
  return runtime.NewString(std::move(text));
}

Result<Value> FilterDefault(Runtime& runtime, const Value& self,
                            const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound,
               Bind("default", {"default_value", "boolean"}, arguments));
  const bool boolean = bound[1].has_value() && Truth(*bound[1]);
  if (!IsUndefined(self) && (!boolean || Truth(self))) return self;
  if (bound[0].has_value()) return *bound[0];
  return runtime.NewString(Text());
}

Result<Value> FilterLength(Runtime&, const Value& self,
                           const Arguments& arguments) {
  BRAID_TRY(Bind("length", {}, arguments));
  BRAID_ASSIGN(const int64_t length, Length(self));
  return Value(length);
}

// The text as a number in the way of Python's int() and float(): spaces around
// it and single underscores between digits do not count.
std::string NumberText(const Text& text) {
  TextView view = text;
  while (!view.empty() && IsSpace(view.front())) view.remove_prefix(1);
  while (!view.empty() && IsSpace(view.back())) view.remove_suffix(1);
  std::string number;
  for (size_t i = 0; i < view.size(); ++i) {
    const char32_t c = CodePoint(view[i]);
    if (c == '_') {
      const bool between = i > 0 && i + 1 < view.size() &&
                           IsNumeric(view[i - 1]) && IsNumeric(view[i + 1]);
      if (!between) return "";
    } else {
      number.push_back(c < 0x80 ? static_cast<char>(c) : '?');
    }
  }
  return !number.empty() && number[0] == '+' ? number.substr(1) : number;
}

std::optional<double> ParseReal(const Text& text) {
  const std::string number = NumberText(text);
  double value = 0;
  const char* end = number.data() + number.size();
  const auto parsed = std::from_chars(number.data(), end, value);
  if (number.empty() || number.starts_with("-+") || parsed.ptr != end)
    return {};
  if (parsed.ec == std::errc::result_out_of_range) {
    return number.find("e-") != std::string::npos ? 0.0 : HUGE_VAL;
  }
  return parsed.ec == std::errc() ? std::optional(value) : std::nullopt;
}

std::optional<int64_t> ParseInteger(const Text& text, int base) {
  const std::string number = NumberText(text);
  int64_t value = 0;
  const char* end = number.data() + number.size();
  const auto parsed = std::from_chars(number.data(), end, value, base);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == end;
  return whole && !number.empty() ? std::optional(value) : std::nullopt;
}

Result<Value> FilterInt(Runtime&, const Value& self,
                        const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("int", {"default", "base"}, arguments));
  BRAID_TRY(CheckDefined(self));
  const int64_t base =
      bound[1].has_value() ? AsInteger(*bound[1]).value_or(0) : 10;
  if (base != 2 && base != 8 && base != 10 && base != 16) {
    return Error{"int: the base has to be 2, 8, 10 or 16"};
  }
  if (const auto integer = AsInteger(self)) return Value(*integer);
  std::optional<double> real;
  if (const auto* value = std::get_if<double>(&self)) real = *value;
  if (const Text* text = AsText(self)) {
    if (base != 10 && text->size() > 1 && CodePoint((*text)[0]) == '0' &&
        IsAlphabetic((*text)[1])) {
      return Error{"int: the prefix of a base is not supported"};
    }
    const auto integer = ParseInteger(*text, static_cast<int>(base));
    if (integer.has_value()) return Value(*integer);
    real = ParseReal(*text);
  }
  if (!real.has_value() || !std::isfinite(*real)) {
    return bound[0].value_or(int64_t{0});
  }
  if (!(std::abs(*real) < 9.2e18)) return Error{"int: no integer of 64 bits"};
  return Value(static_cast<int64_t>(*real));
}

Result<Value> FilterFloat(Runtime&, const Value& self,
                          const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("float", {"default"}, arguments));
  BRAID_TRY(CheckDefined(self));
  if (std::holds_alternative<double>(self)) return self;
  if (const auto integer = AsInteger(self)) {
    return Value(static_cast<double>(*integer));
  }
  if (const Text* text = AsText(self)) {
    if (const auto real = ParseReal(*text)) return Value(*real);
  }
  return bound[0].value_or(0.0);
}

Result<Value> FilterAbs(Runtime&, const Value& self,
                        const Arguments& arguments) {
  BRAID_TRY(Bind("abs", {}, arguments));
  if (const auto* real = std::get_if<double>(&self)) {
    return Value(std::abs(*real));
  }
  const auto integer = AsInteger(self);
  if (!integer.has_value()) {
    return Error{Format("abs needs a number, not {}", TypeName(self))};
  }
  return *integer < 0 ? Negated(Value(*integer)) : Result<Value>(*integer);
}

Result<Value> FilterRound(Runtime&, const Value& self,
                          const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound,
               Bind("round", {"precision", "method"}, arguments));
  const auto digits = AsInteger(bound[0].value_or(int64_t{0}));
  const Text* method = bound[1].has_value() ? AsText(*bound[1]) : nullptr;
  const bool common = !bound[1].has_value() ||
                      (method != nullptr && *method == Text(U"common"));
  constexpr int64_t kMost = 300;
  if (!common || !digits.has_value() || *digits < 0 || *digits > kMost) {
    return Error{
        Format("round: only the common method with 0 to {} digits is supported",
               kMost)};
  }
  if (const auto integer = AsInteger(self)) return Value(*integer);
  const auto* real = std::get_if<double>(&self);
  if (real == nullptr) {
    return Error{Format("round needs a number, not {}", TypeName(self))};
  }
  char text[700];  // the longest double has 309 digits before the point
  const int length = std::snprintf(text, sizeof(text), "%.*f",
                                   static_cast<int>(*digits), *real);
  double rounded = *real;
  std::from_chars(text, text + length, rounded);
  return Value(rounded);
}

Result<Value> FilterFormat(Runtime& runtime, const Value& self,
                           const Arguments& arguments) {
  if (!arguments.named.empty()) {
    return Error{"format: named values are not supported"};
  }
  BRAID_ASSIGN(const Value pattern, Shown(runtime, self));
  return PercentFormat(runtime, pattern,
                       runtime.NewTuple(arguments.positional));
}

constexpr NamedFilter kFilters[] = {
    {"abs", FilterAbs},         {"capitalize", FilterCapitalize},
    {"count", FilterLength},    {"d", FilterDefault},
    {"default", FilterDefault}, {"e", FilterEscape},
    {"escape", FilterEscape},   {"float", FilterFloat},
    {"format", FilterFormat},   {"indent", FilterIndent},
    {"int", FilterInt},         {"length", FilterLength},
    {"lower", FilterLower},     {"replace", FilterReplace},
    {"round", FilterRound},     {"safe", FilterSafe},
    {"string", FilterString},   {"title", FilterTitle},
    {"tojson", FilterToJson},   {"trim", FilterTrim},
    {"upper", FilterUpper},
};

}  // namespace

std::span<const NamedFilter> ValueFilters() { return kFilters; }

Function FindFilter(std::string_view name) {
  for (const auto& part : {ValueFilters(), ElementFilters()}) {
    for (const NamedFilter& filter : part) {
      if (filter.name == name) return filter.function;
    }
  }
  return nullptr;
}

}  // namespace braid::chat
