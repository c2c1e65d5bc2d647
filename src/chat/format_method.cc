#include "chat/format_method.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "chat/python_text.h"

namespace braid::chat {

namespace {

bool IsPlainName(std::string_view name) {
  return name.find_first_of(".[]:!{}") == std::string_view::npos;
}

// What the field `name` means; `next` counts the fields without a name.
Result<Value> FieldOf(const std::string& name, size_t& next,
                      const Arguments& arguments) {
  if (!IsPlainName(name)) {
    return Error{Format("format: the field '{}' is not supported", name)};
  }
  size_t index = 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data(), end, index);
  const bool numbered = parsed.ec == std::errc() && parsed.ptr == end;
  if (name.empty() || numbered) {
    if (name.empty()) index = next++;
    if (index < arguments.positional.size()) {
      return arguments.positional[index];
    }
  }
  for (const auto& [known, value] : arguments.named) {
    if (!name.empty() && known == name) return value;
  }
  return Error{Format("format: there is no value for '{}'", name)};
}

}  // namespace

Result<Value> FormatMethod(Runtime& runtime, const Value& self,
                           const Arguments& arguments) {
  const Text& source = *AsText(self);
  Text text;
  size_t next = 0;
  for (size_t at = 0; at < source.size(); ++at) {
    const char32_t c = CodePoint(source[at]);
    const bool doubled =
        at + 1 < source.size() && CodePoint(source[at + 1]) == c;
    if (c != '{' && c != '}') {
      text.push_back(source[at]);
    } else if (doubled) {
      text.push_back(source[at++]);
    } else {
      const size_t end = source.find(U'}', at);
      if (c == '}' || end == Text::npos) {
        return Error{"format: a bracket has no partner"};
      }
      BRAID_TRY(runtime.Spend(1));
      BRAID_ASSIGN(const Value value,
                   FieldOf(BytesOf(source.substr(at + 1, end - at - 1)), next,
                           arguments));
      BRAID_ASSIGN(const Text shown, ToText(runtime, value));
      text += shown;
      at = end;
    }
  }
  return runtime.NewString(std::move(text), IsMarkup(self));
}

}  // namespace braid::chat
