#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "chat/format_method.h"
#include "chat/methods.h"
#include "chat/operators.h"
#include "chat/split_methods.h"

namespace braid::chat {

namespace {

using Predicate = bool (*)(char32_t);

// The argument as text; null if it was not given or is None.
Result<const Text*> OptionalText(std::string_view method,
                                 const std::optional<Value>& argument) {
  if (!argument.has_value() || IsNone(*argument)) return nullptr;
  const Text* text = AsText(*argument);
  if (text == nullptr) {
    return Error{Format("{} needs a str, not {}", method, TypeName(*argument))};
  }
  return text;
}

Result<const Text*> NeededText(std::string_view method,
                               const std::optional<Value>& argument) {
  if (!argument.has_value()) return Error{Format("{} needs a str", method)};
  const Text* text = AsText(*argument);
  if (text == nullptr) {
    return Error{Format("{} needs a str, not {}", method, TypeName(*argument))};
  }
  return text;
}

Result<int64_t> OptionalInteger(std::string_view method,
                                const std::optional<Value>& argument,
                                int64_t otherwise) {
  if (!argument.has_value() || IsNone(*argument)) return otherwise;
  const auto integer = AsInteger(*argument);
  if (!integer.has_value()) {
    return Error{
        Format("{} needs an int, not {}", method, TypeName(*argument))};
  }
  return *integer;
}

// A piece of a text by the bounds of `find` and its like.
struct Window {
  size_t begin;
  size_t end;  // < begin: nothing is there, not even the empty text
};

Result<Window> WindowOf(std::string_view method, const Text& text,
                        const std::optional<Value>& first,
                        const std::optional<Value>& last) {
  const auto size = static_cast<int64_t>(text.size());
  const auto clip = [&](int64_t bound) {
    return bound < 0 ? std::max<int64_t>(bound < -size ? 0 : bound + size, 0)
                     : bound;
  };
  BRAID_ASSIGN(const int64_t begin, OptionalInteger(method, first, 0));
  BRAID_ASSIGN(const int64_t end, OptionalInteger(method, last, size));
  const int64_t from = clip(begin);
  const int64_t to = std::min(clip(end), size);
  if (from > size) return Window{1, 0};
  return Window{static_cast<size_t>(from), static_cast<size_t>(to)};
}

template <bool left, bool right>
Result<Value> Strip(Runtime& runtime, const Value& self,
                    const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("strip", {"chars"}, arguments));
  BRAID_ASSIGN(const Text* const chars, OptionalText("strip", bound[0]));
  const Text& text = *AsText(self);
  const auto goes = [&](char32_t c) {
    return chars == nullptr ? IsSpace(c) : chars->find(c) != Text::npos;
  };
  size_t begin = 0;
  size_t end = text.size();
  while (left && begin < end && goes(text[begin])) ++begin;
  while (right && begin < end && goes(text[end - 1])) --end;
  return runtime.NewString(text.substr(begin, end - begin), IsMarkup(self));
}

template <bool at_end>
Result<Value> Affix(Runtime& runtime, const Value& self,
                    const Arguments& arguments) {
  constexpr std::string_view kName = at_end ? "endswith" : "startswith";
  BRAID_ASSIGN(const auto bound,
               Bind(kName, {"affix", "start", "end"}, arguments));
  if (!bound[0].has_value()) return Error{Format("{} needs a str", kName)};
  BRAID_ASSIGN(const Window window,
               WindowOf(kName, *AsText(self), bound[1], bound[2]));
  Values affixes = {*bound[0]};
  if (const auto* tuple = As<Sequence>(*bound[0]);
      tuple != nullptr && tuple->kind == Sequence::Kind::kTuple) {
    affixes = tuple->items;
  }
  BRAID_TRY(runtime.Spend(affixes.size()));
  for (const Value& affix : affixes) {
    BRAID_ASSIGN(const Text* const text, NeededText(kName, affix));
    if (window.end < window.begin) continue;
    const TextView all =
        TextView(*AsText(self)).substr(window.begin, window.end - window.begin);
    if (at_end ? all.ends_with(TextView(*text))
               : all.starts_with(TextView(*text))) {
      return Value(true);
    }
  }
  return Value(false);
}

template <bool from_end>
Result<int64_t> FindIn(std::string_view method, Runtime& runtime,
                       const Value& self, const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound,
               Bind(method, {"sub", "start", "end"}, arguments));
  BRAID_ASSIGN(const Text* const part, NeededText(method, bound[0]));
  const Text& text = *AsText(self);
  BRAID_ASSIGN(const Window window, WindowOf(method, text, bound[1], bound[2]));
  BRAID_TRY(runtime.Spend(text.size() / 16));
  if (window.end < window.begin) return int64_t{-1};
  const TextView all =
      TextView(text).substr(window.begin, window.end - window.begin);
  const size_t at = from_end ? all.rfind(*part) : all.find(*part);
  if (at == TextView::npos) return int64_t{-1};
  return static_cast<int64_t>(at + window.begin);
}

template <bool from_end>
Result<Value> Find(Runtime& runtime, const Value& self,
                   const Arguments& arguments) {
  BRAID_ASSIGN(const int64_t at,
               FindIn<from_end>("find", runtime, self, arguments));
  return Value(at);
}

template <bool from_end>
Result<Value> Index(Runtime& runtime, const Value& self,
                    const Arguments& arguments) {
  BRAID_ASSIGN(const int64_t at,
               FindIn<from_end>("index", runtime, self, arguments));
  if (at < 0) return Error{"index: the text has no such part"};
  return Value(at);
}

Result<Value> Count(Runtime& runtime, const Value& self,
                    const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound,
               Bind("count", {"sub", "start", "end"}, arguments));
  BRAID_ASSIGN(const Text* const part, NeededText("count", bound[0]));
  const Text& text = *AsText(self);
  BRAID_ASSIGN(const Window window,
               WindowOf("count", text, bound[1], bound[2]));
  BRAID_TRY(runtime.Spend(text.size() / 16));
  if (window.end < window.begin) return Value(int64_t{0});
  const TextView all =
      TextView(text).substr(window.begin, window.end - window.begin);
  if (part->empty()) return Value(static_cast<int64_t>(all.size()) + 1);
  int64_t count = 0;
  for (size_t at = all.find(*part); at != TextView::npos;
       at = all.find(*part, at + part->size())) {
    ++count;
  }
  return Value(count);
}

Result<Value> Replace(Runtime& runtime, const Value& self,
                      const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound,
               Bind("replace", {"old", "new", "count"}, arguments));
  BRAID_ASSIGN(const Text* const before, NeededText("replace", bound[0]));
  BRAID_ASSIGN(const Text* const after, NeededText("replace", bound[1]));
  BRAID_ASSIGN(const int64_t most, OptionalInteger("replace", bound[2], -1));
  BRAID_ASSIGN(Text text,
               Replaced(runtime, *AsText(self), *before, *after, most));
  return runtime.NewString(std::move(text), IsMarkup(self));
}

template <Text (*change)(TextView)>
Result<Value> Change(Runtime& runtime, const Value& self,
                     const Arguments& arguments) {
  BRAID_TRY(Bind("a method of str", {}, arguments));
  return runtime.NewString(change(*AsText(self)), IsMarkup(self));
}

template <Predicate predicate>
Result<Value> All(Runtime&, const Value& self, const Arguments& arguments) {
  BRAID_TRY(Bind("a method of str", {}, arguments));
  const Text& text = *AsText(self);
  return Value(!text.empty() &&
               std::all_of(text.begin(), text.end(), predicate));
}

bool IsAlphanumeric(char32_t c) { return IsAlphabetic(c) || IsNumeric(c); }

// Cased characters are there, and all of them have this case.
template <bool upper>
Result<Value> HasCase(Runtime&, const Value& self, const Arguments& arguments) {
  BRAID_TRY(Bind("a method of str", {}, arguments));
  bool any = false;
  for (const char32_t c : *AsText(self)) {
    if (IsTitle(c) || (upper ? IsLower(c) : IsUpper(c))) return Value(false);
    any = any || (upper ? IsUpper(c) : IsLower(c));
  }
  return Value(any);
}

template <bool from_end>
Result<Value> Partition(Runtime& runtime, const Value& self,
                        const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("partition", {"sep"}, arguments));
  BRAID_ASSIGN(const Text* const separator, NeededText("partition", bound[0]));
  if (separator->empty()) return Error{"partition: the separator is empty"};
  const Text& text = *AsText(self);
  const size_t at = from_end ? text.rfind(*separator) : text.find(*separator);
  Text parts[3];
  if (at == Text::npos) {
    parts[from_end ? 2 : 0] = text;
  } else {
    parts[0] = text.substr(0, at);
    parts[1] = text.substr(at, separator->size());
    parts[2] = text.substr(at + separator->size());
  }
  Values values;
  for (Text& part : parts) {
    BRAID_ASSIGN(Value value, runtime.NewString(std::move(part)));
    values.push_back(std::move(value));
  }
  return runtime.NewTuple(std::move(values));
}

template <bool at_end>
Result<Value> RemoveAffix(Runtime& runtime, const Value& self,
                          const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("removeprefix", {"affix"}, arguments));
  BRAID_ASSIGN(const Text* const affix, NeededText("removeprefix", bound[0]));
  TextView text = *AsText(self);
  if (at_end && text.ends_with(TextView(*affix))) {
    text.remove_suffix(affix->size());
  } else if (!at_end && text.starts_with(TextView(*affix))) {
    text.remove_prefix(affix->size());
  }
  return runtime.NewString(Text(text), IsMarkup(self));
}

Result<Value> Join(Runtime& runtime, const Value& self,
                   const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("join", {"iterable"}, arguments));
  if (!bound[0].has_value()) return Error{"join needs a list"};
  BRAID_ASSIGN(const Values parts, Elements(runtime, *bound[0]));
  Text joined;
  for (size_t i = 0; i < parts.size(); ++i) {
    BRAID_ASSIGN(const Text* const part, NeededText("join", parts[i]));
    if (i > 0) joined += *AsText(self);
    joined += *part;
    BRAID_TRY(runtime.Spend(1 + part->size() / 16));
  }
  return runtime.NewString(std::move(joined));
}

enum class Side { kLeft, kRight, kBoth };

template <Side side>
Result<Value> Justify(Runtime& runtime, const Value& self,
                      const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound,
               Bind("ljust", {"width", "fillchar"}, arguments));
  BRAID_ASSIGN(const int64_t width, OptionalInteger("ljust", bound[0], 0));
  BRAID_ASSIGN(const Text* const fill, OptionalText("ljust", bound[1]));
  if (fill != nullptr && fill->size() != 1) {
    return Error{"the fill character has to be one character"};
  }
  const Text& text = *AsText(self);
  const auto size = static_cast<int64_t>(text.size());
  if (width > runtime.limits().characters) {
    return Error{
        Format("more than {} characters", runtime.limits().characters)};
  }
  const int64_t room = std::max<int64_t>(width - size, 0);
  // Where the room is odd, Python puts the larger half before if the width is
  // odd too.
  const int64_t half = room / 2 + (room & width & 1);
  const int64_t before = side == Side::kLeft    ? 0
                         : side == Side::kRight ? room
                                                : half;
  const char32_t c = fill == nullptr ? U' ' : (*fill)[0];
  return runtime.NewString(Text(static_cast<size_t>(before), c) + text +
                               Text(static_cast<size_t>(room - before), c),
                           IsMarkup(self));
}

Result<Value> ZeroFill(Runtime& runtime, const Value& self,
                       const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("zfill", {"width"}, arguments));
  BRAID_ASSIGN(const int64_t width, OptionalInteger("zfill", bound[0], 0));
  const Text& text = *AsText(self);
  if (width > runtime.limits().characters) {
    return Error{
        Format("more than {} characters", runtime.limits().characters)};
  }
  const int64_t room = width - static_cast<int64_t>(text.size());
  if (room <= 0) return self;
  const bool sign =
      !text.empty() && (CodePoint(text[0]) == '-' || CodePoint(text[0]) == '+');
  return runtime.NewString(text.substr(0, sign ? 1 : 0) +
                           Text(static_cast<size_t>(room), U'0') +
                           text.substr(sign ? 1 : 0));
}

Result<Value> Split(Runtime& runtime, const Value& self,
                    const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("split", {"sep", "maxsplit"}, arguments));
  BRAID_ASSIGN(const Text* const separator, OptionalText("split", bound[0]));
  BRAID_ASSIGN(const int64_t most, OptionalInteger("split", bound[1], -1));
  return SplitText(runtime, *AsText(self), separator, most, false);
}

Result<Value> SplitFromEnd(Runtime& runtime, const Value& self,
                           const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound,
               Bind("rsplit", {"sep", "maxsplit"}, arguments));
  BRAID_ASSIGN(const Text* const separator, OptionalText("rsplit", bound[0]));
  BRAID_ASSIGN(const int64_t most, OptionalInteger("rsplit", bound[1], -1));
  return SplitText(runtime, *AsText(self), separator, most, true);
}

Result<Value> SplitLines(Runtime& runtime, const Value& self,
                         const Arguments& arguments) {
  BRAID_ASSIGN(const auto bound, Bind("splitlines", {"keepends"}, arguments));
  const bool keep = bound[0].has_value() && Truth(*bound[0]);
  Values lines;
  for (Text& line : LinesOf(*AsText(self), keep)) {
    BRAID_TRY(runtime.Spend(1));
    BRAID_ASSIGN(Value value, runtime.NewString(std::move(line)));
    lines.push_back(std::move(value));
  }
  return runtime.NewList(std::move(lines));
}

// A method that Python has, and that no known template uses.
Result<Value> NotSupported(Runtime&, const Value&, const Arguments&) {
  return Error{"this method of str is not supported"};
}

struct Method {
  std::string_view name;
  Function function;
};

constexpr Method kMethods[] = {
    {"capitalize", Change<Capitalized>},
    {"casefold", NotSupported},
    {"center", Justify<Side::kBoth>},
    {"count", Count},
    {"encode", NotSupported},
    {"endswith", Affix<true>},
    {"expandtabs", NotSupported},
    {"find", Find<false>},
    {"format", FormatMethod},
    {"format_map", NotSupported},
    {"index", Index<false>},
    {"isalnum", All<IsAlphanumeric>},
    {"isalpha", All<IsAlphabetic>},
    {"isascii", NotSupported},
    {"isdecimal", All<IsDecimal>},
    {"isdigit", NotSupported},
    {"isidentifier", NotSupported},
    {"islower", HasCase<false>},
    {"isnumeric", NotSupported},
    {"isprintable", NotSupported},
    {"isspace", All<IsSpace>},
    {"istitle", NotSupported},
    {"isupper", HasCase<true>},
    {"join", Join},
    {"ljust", Justify<Side::kLeft>},
    {"lower", Change<Lower>},
    {"lstrip", Strip<true, false>},
    {"maketrans", NotSupported},
    {"partition", Partition<false>},
    {"removeprefix", RemoveAffix<false>},
    {"removesuffix", RemoveAffix<true>},
    {"replace", Replace},
    {"rfind", Find<true>},
    {"rindex", Index<true>},
    {"rjust", Justify<Side::kRight>},
    {"rpartition", Partition<true>},
    {"rsplit", SplitFromEnd},
    {"rstrip", Strip<false, true>},
    {"split", Split},
    {"splitlines", SplitLines},
    {"startswith", Affix<false>},
    {"strip", Strip<true, true>},
    {"swapcase", NotSupported},
    {"title", Change<Title>},
    {"translate", NotSupported},
    {"upper", Change<Upper>},
    {"zfill", ZeroFill},
};

}  // namespace

Function FindStringMethod(std::string_view name) {
  for (const Method& method : kMethods) {
    if (method.name == name) return method.function;
  }
  return nullptr;
}

}  // namespace braid::chat
