#include "chat/python_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "chat/operators.h"

namespace braid::chat {

namespace {

void Append(std::string_view ascii, Text& text) { AppendLike(text, ascii, 0); }

std::string Hex(char32_t value, size_t digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(digits, '0');
  for (size_t i = digits; i-- > 0; value >>= 4) text[i] = kDigits[value & 15];
  return text;
}

void AppendQuotedCharacter(char32_t character, char32_t quote, Text& text) {
  const char32_t c = CodePoint(character);
  if (c == quote || c == '\\') {
    AppendLike(text, "\\", character);
    text.push_back(character);
  } else if (c == '\n' || c == '\r' || c == '\t') {
    AppendLike(text, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t", character);
  } else if (IsPrintable(character)) {
    text.push_back(character);
  } else if (c < 0x100) {
    AppendLike(text, "\\x" + Hex(c, 2), character);
  } else if (c < 0x10000) {
    AppendLike(text, "\\u" + Hex(c, 4), character);
  } else {
    AppendLike(text, "\\U" + Hex(c, 8), character);
  }
}

void AppendQuoted(const Text& string, Text& text) {
  const bool single = string.find(U'\'') != Text::npos;
  const bool both = single && string.find(U'"') != Text::npos;
  const char32_t quote = single && !both ? '"' : '\'';
  text.push_back(quote);
  for (const char32_t c : string) AppendQuotedCharacter(c, quote, text);
  text.push_back(quote);
}

Status AppendItems(Runtime& runtime, const Values& items, Text& text) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) Append(", ", text);
    BRAID_TRY(AppendRepr(runtime, items[i], text));
  }
  return {};
}

Status AppendSequence(Runtime& runtime, const Sequence& sequence, Text& text) {
  switch (sequence.kind) {
    case Sequence::Kind::kList:
      Append("[", text);
      BRAID_TRY(AppendItems(runtime, sequence.items, text));
      Append("]", text);
      return {};
    case Sequence::Kind::kTuple:
      Append("(", text);
      BRAID_TRY(AppendItems(runtime, sequence.items, text));
      Append(sequence.items.size() == 1 ? ",)" : ")", text);
      return {};
    case Sequence::Kind::kRange:
      Append(Format("range({}, {}", sequence.start, sequence.stop), text);
      if (sequence.step != 1) Append(Format(", {}", sequence.step), text);
      Append(")", text);
      return {};
    default:
      Append(Format("{}([", TypeName(sequence)), text);
      BRAID_TRY(AppendItems(runtime, sequence.items, text));
      Append("])", text);
      return {};
  }
}

Status AppendDict(Runtime& runtime, const Dict& dict, Text& text) {
  Append("{", text);
  bool first = true;
  for (const auto& [key, value] : dict.items) {
    if (!first) Append(", ", text);
    first = false;
    BRAID_TRY(AppendRepr(runtime, key, text));
    Append(": ", text);
    BRAID_TRY(AppendRepr(runtime, value, text));
  }
  Append("}", text);
  return {};
}

// One conversion of PercentFormat: `kind` is the letter behind the %.
Status AppendConversion(Runtime& runtime, char32_t kind, const Value& value,
                        Text& text) {
  if (kind == 's') {
    BRAID_ASSIGN(const Text shown, ToText(runtime, value));
    text += shown;
    return {};
  }
  if (kind == 'r') return AppendRepr(runtime, value, text);
  if (kind != 'd' && kind != 'i') {
    return Error{Format("the conversion '%{}' is not supported",
                        BytesOf(Text(1, kind)))};
  }
  if (const auto* real = std::get_if<double>(&value)) {
    if (!(std::abs(*real) < 9.2e18)) return Error{"%d: no integer of 64 bits"};
    Append(Format("{}", static_cast<int64_t>(*real)), text);
    return {};
  }
  const auto integer = AsInteger(value);
  if (!integer.has_value()) {
    return Error{Format("%d needs a number, not {}", TypeName(value))};
  }
  Append(Format("{}", *integer), text);
  return {};
}

}  // namespace

std::string RealText(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                 value, std::chars_format::scientific)
                       .ptr;
  std::string digits(buffer.data(), end);
  const size_t e = digits.find('e');
  int exponent = 0;
  const bool plus = digits[e + 1] == '+';
  std::from_chars(digits.data() + e + (plus ? 2 : 1),
                  digits.data() + digits.size(), exponent);
  if (exponent < -4 || exponent >= 16) return digits;
  const auto fixed = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                   value, std::chars_format::fixed)
                         .ptr;
  std::string text(buffer.data(), fixed);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

Result<Text> ToText(Runtime& runtime, const Value& value) {
  if (const Text* text = AsText(value)) return *text;
  Text text;
  if (IsUndefined(value)) return text;
  BRAID_TRY(AppendRepr(runtime, value, text));
  return text;
}

Status AppendRepr(Runtime& runtime, const Value& value, Text& text) {
  const Runtime::Level level(runtime);
  BRAID_TRY(level.status());
  BRAID_TRY(runtime.Spend(1));
  if (text.size() > static_cast<size_t>(runtime.limits().characters)) {
    return Error{
        Format("more than {} characters", runtime.limits().characters)};
  }
  if (const Text* string = AsText(value)) {
    if (IsMarkup(value)) Append("Markup(", text);
    AppendQuoted(*string, text);
    if (IsMarkup(value)) Append(")", text);
  } else if (const auto* truth = std::get_if<bool>(&value)) {
    Append(*truth ? "True" : "False", text);
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    Append(Format("{}", *integer), text);
  } else if (const auto* real = std::get_if<double>(&value)) {
    Append(RealText(*real), text);
  } else if (IsNone(value)) {
    Append("None", text);
  } else if (IsUndefined(value)) {
    Append("Undefined", text);
  } else if (const auto* dict = As<Dict>(value)) {
    return AppendDict(runtime, *dict, text);
  } else if (const auto* sequence = As<Sequence>(value);
             sequence != nullptr &&
             sequence->kind != Sequence::Kind::kGenerator) {
    return AppendSequence(runtime, *sequence, text);
  } else {
    return Error{Format("{} has no text", TypeName(value))};
  }
  return {};
}

Result<Value> PercentFormat(Runtime& runtime, const Value& pattern,
                            const Value& values) {
  const Text& source = *AsText(pattern);
  const auto* tuple = As<Sequence>(values);
  if (tuple != nullptr && tuple->kind != Sequence::Kind::kTuple)
    tuple = nullptr;
  const Values given = tuple != nullptr ? tuple->items : Values{values};
  size_t used = 0;
  Text text;
  for (size_t i = 0; i < source.size(); ++i) {
    if (CodePoint(source[i]) != '%') {
      text.push_back(source[i]);
      continue;
    }
    if (++i == source.size()) return Error{"a format ends with '%'"};
    const char32_t kind = CodePoint(source[i]);
    if (kind == '%') {
      text.push_back(source[i]);
      continue;
    }
    if (used == given.size()) {
      return Error{Format("a format wants more than {} values", given.size())};
    }
    BRAID_TRY(AppendConversion(runtime, kind, given[used++], text));
  }
  // A single mapping may go unused, as Python has it.
  const bool mapping = tuple == nullptr && As<Dict>(values) != nullptr;
  if (used != given.size() && !mapping) {
    return Error{Format("a format uses {} of {} values", used, given.size())};
  }
  return runtime.NewString(std::move(text), IsMarkup(pattern));
}

Text EscapedHtml(const Text& text) {
  Text escaped;
  escaped.reserve(text.size());
  for (const char32_t character : text) {
    switch (CodePoint(character)) {
      case '&':
        AppendLike(escaped, "&amp;", character);
        break;
      case '<':
        AppendLike(escaped, "&lt;", character);
        break;
      case '>':
        AppendLike(escaped, "&gt;", character);
        break;
      case '\'':
        AppendLike(escaped, "&#39;", character);
        break;
      case '"':
        AppendLike(escaped, "&#34;", character);
        break;
      default:
        escaped.push_back(character);
    }
  }
  return escaped;
}

}  // namespace braid::chat
