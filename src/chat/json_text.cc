#include "chat/json_text.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "chat/operators.h"
#include "chat/python_text.h"

namespace braid::chat {

namespace {

class JsonWriter {
 public:
  JsonWriter(Runtime& runtime, const JsonStyle& style)
      : runtime_(runtime), style_(style) {}

  Status Write(const Value& value) {
    const Runtime::Level level(runtime_);
    BRAID_TRY(level.status());
    BRAID_TRY(runtime_.Spend(1));
    if (const Text* string = AsText(value)) return WriteString(*string);
    if (const auto* dict = As<Dict>(value)) return WriteDict(*dict);
    if (const auto* sequence = As<Sequence>(value);
        sequence != nullptr && sequence->kind <= Sequence::Kind::kTuple) {
      return WriteList(*sequence);
    }
    const std::string scalar = Scalar(value);
    if (scalar.empty()) {
      return Error{Format("JSON has no {}", TypeName(value))};
    }
    AppendLike(text_, scalar, 0);
    return {};
  }

  Text Take() { return std::move(text_); }

 private:
  // Empty for what is no scalar.
  static std::string Scalar(const Value& value) {
    if (IsNone(value)) return "null";
    if (const auto* truth = std::get_if<bool>(&value)) {
      return *truth ? "true" : "false";
    }
    if (const auto* integer = std::get_if<int64_t>(&value)) {
      return Format("{}", *integer);
    }
    if (const auto* real = std::get_if<double>(&value)) {
      if (std::isnan(*real)) return "NaN";
      if (std::isinf(*real)) return *real < 0 ? "-Infinity" : "Infinity";
      return RealText(*real);
    }
    return "";
  }

  Status WriteString(const Text& string) {
    if (text_.size() > static_cast<size_t>(runtime_.limits().characters)) {
      return Error{
          Format("more than {} characters", runtime_.limits().characters)};
    }
    text_.push_back('"');
    for (const char32_t character : string) WriteCharacter(character);
    text_.push_back('"');
    return {};
  }

  void WriteCharacter(char32_t character) {
    const char32_t c = CodePoint(character);
    constexpr std::pair<char32_t, std::string_view> kShort[] = {
        {'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\r', "\\r"},
        {'\t', "\\t"}, {'\f', "\\f"},  {'\b', "\\b"}};
    for (const auto& [plain, escape] : kShort) {
      if (c == plain) return AppendLike(text_, escape, character);
    }
    if (c >= 0x20 && (c < 0x7f || !style_.ascii)) {
      text_.push_back(character);
    } else if (c < 0x10000) {
      WriteUnit(c, character);
    } else {
      WriteUnit(0xd800 + ((c - 0x10000) >> 10), character);
      WriteUnit(0xdc00 + ((c - 0x10000) & 0x3ff), character);
    }
  }

  void WriteUnit(char32_t unit, char32_t like) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string escape = "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) {
      escape.push_back(kDigits[unit >> shift & 15]);
    }
    AppendLike(text_, escape, like);
  }

  void NewLine() {
    if (!style_.indent.has_value()) return;
    text_.push_back('\n');
    for (int i = 0; i < depth_; ++i) text_ += *style_.indent;
  }

  void BeginItem(bool first) {
    if (!first) text_ += style_.between_items;
    NewLine();
  }

  void End(char32_t bracket) {
    --depth_;
    NewLine();
    text_.push_back(bracket);
  }

  Status WriteList(const Sequence& list) {
    if (list.items.empty()) {
      AppendLike(text_, "[]", 0);
      return {};
    }
    text_.push_back('[');
    ++depth_;
    for (size_t i = 0; i < list.items.size(); ++i) {
      BeginItem(i == 0);
      BRAID_TRY(Write(list.items[i]));
    }
    End(']');
    return {};
  }

  using Items = std::vector<std::pair<Value, Value>>;

  Result<Items> Ordered(const Dict& dict) {
    Items items = dict.items;
    if (!style_.sorted) return items;
    Status status;
    std::stable_sort(items.begin(), items.end(),
                     [&](const auto& a, const auto& b) {
                       const auto less = Less(runtime_, a.first, b.first);
                       if (!less.ok()) status = less.error();
                       return less.ok() && *less;
                     });
    if (!status.ok()) return status.error();
    return items;
  }

  Status WriteDict(const Dict& dict) {
    if (dict.items.empty()) {
      AppendLike(text_, "{}", 0);
      return {};
    }
    BRAID_ASSIGN(const Items items, Ordered(dict));
    text_.push_back('{');
    ++depth_;
    for (size_t i = 0; i < items.size(); ++i) {
      BeginItem(i == 0);
      BRAID_TRY(WriteKey(items[i].first));
      text_ += style_.after_key;
      BRAID_TRY(Write(items[i].second));
    }
    End('}');
    return {};
  }

  Status WriteKey(const Value& key) {
    if (const Text* string = AsText(key)) return WriteString(*string);
    const std::string scalar = Scalar(key);
    if (scalar.empty()) {
      return Error{Format("a key of JSON cannot be {}", TypeName(key))};
    }
    return WriteString(TextOf(scalar));
  }

  Runtime& runtime_;
  const JsonStyle& style_;
  Text text_;
  int depth_ = 0;
};

}  // namespace

Result<Text> ToJson(Runtime& runtime, const Value& value,
                    const JsonStyle& style) {
  JsonWriter writer(runtime, style);
  BRAID_TRY(writer.Write(value));
  return writer.Take();
}

}  // namespace braid::chat
