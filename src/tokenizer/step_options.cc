#include "tokenizer/step_options.h"

#include <algorithm>

#include "base/format.h"
#include "tokenizer/spec.h"

namespace braid {

StepOptions::StepOptions(const Json& step, std::string_view where)
    : step_(step), where_(where) {
  if (const std::string* type = step["type"].Text()) {
    type_ = *type;
    where_ += Format(" {}", Excerpt(*type));
  }
}

bool StepOptions::Flag(std::string_view name, bool default_value) {
  const Json& value = Value(name);
  if (value.IsNull()) return default_value;
  if (!value.Bool()) ExpectKind(name, value, "a boolean");
  return value.Bool().value_or(default_value);
}

std::string StepOptions::Text(std::string_view name,
                              std::string_view default_value) {
  const Json& value = Value(name);
  if (value.IsNull()) return std::string(default_value);
  if (value.Text() != nullptr) return *value.Text();
  ExpectKind(name, value, "a string");
  return std::string(default_value);
}

std::string StepOptions::RequiredText(std::string_view name) {
  if (!Has(name)) Fail(Format("{} is missing", name));
  return Text(name, "");
}

int64_t StepOptions::Count(std::string_view name, int64_t default_value,
                           int64_t lowest, int64_t highest) {
  const Json& value = Value(name);
  if (value.IsNull()) return default_value;
  const std::optional<int64_t> count = value.Int();
  if (!count) {
    ExpectKind(name, value, "a whole number");
    return default_value;
  }
  if (*count < lowest || *count > highest) {
    Fail(Format("{}: {} is not in [{}, {}]", name, *count, lowest, highest));
    return default_value;
  }
  return *count;
}

size_t StepOptions::Choice(std::string_view name, size_t default_value,
                           std::initializer_list<std::string_view> choices) {
  if (!Has(name)) {
    asked_.push_back(name);
    return default_value;
  }
  const std::string given = Text(name, "");
  const auto found = std::ranges::find(choices, given);
  if (found != choices.end()) {
    return static_cast<size_t>(found - choices.begin());
  }
  std::string list;
  for (const std::string_view choice : choices) {
    list += Format("{}\"{}\"", list.empty() ? "" : ", ", choice);
  }
  Fail(Format("{}: \"{}\" is none of {}", name, Excerpt(given), list));
  return default_value;
}

const Json& StepOptions::Value(std::string_view name) {
  asked_.push_back(name);
  return step_[name];
}

void StepOptions::IgnoreOffsets(std::initializer_list<std::string_view> names) {
  asked_.insert(asked_.end(), names.begin(), names.end());
}

void StepOptions::ExpectKind(std::string_view name, const Json& value,
                             std::string_view expected) {
  Fail(Format("{}: expected {}, found {}", name, expected, value.Kind()));
}

void StepOptions::Fail(std::string_view message) {
  if (status_.ok()) status_ = MakeError(message);
}

Error StepOptions::MakeError(std::string_view message) const {
  return Error{Format("{}: {}", where_, message)};
}

Status StepOptions::Finish() {
  for (const auto& [name, value] : step_.Members()) {
    if (value.IsNull() || std::ranges::find(asked_, name) != asked_.end()) {
      continue;
    }
    Fail(Format("the option {} is not known", Excerpt(name)));
  }
  return status_;
}

}  // namespace braid
