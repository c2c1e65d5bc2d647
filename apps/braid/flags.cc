#include "apps/braid/flags.h"

#include <algorithm>
#include <charconv>

#include "apps/braid/nearest.h"
#include "base/check.h"

namespace braid::cli {

namespace {

// "--temp" and "-temp" -> "temp".
std::string_view WithoutDashes(std::string_view name) {
  for (int i = 0; i < 2 && name.starts_with('-'); ++i) name.remove_prefix(1);
  return name;
}

bool HasName(const Flag& flag, std::string_view name) {
  return std::any_of(flag.names.begin(), flag.names.end(),
                     [&](const std::string& known) {
                       return WithoutDashes(known) == WithoutDashes(name);
                     });
}

bool AsksForHelp(std::string_view name) {
  return name == "-h" || name == "-help" || name == "--help" || name == "-?" ||
         name == "--usage";
}

// The known name nearest to `name`, dashes not counted.
std::string Suggestion(std::string_view name, const std::vector<Flag>& flags) {
  std::vector<std::string> known = {"help"};
  std::vector<std::string> shown = {"--help"};
  for (const Flag& flag : flags) {
    for (const std::string& flag_name : flag.names) {
      known.emplace_back(WithoutDashes(flag_name));
      shown.push_back(flag_name);
    }
  }
  const std::string nearest = Nearest(WithoutDashes(name), known);
  if (nearest.empty()) return "; --help lists the flags";
  const auto found = std::find(known.begin(), known.end(), nearest);
  return Format("; did you mean {}?", shown[found - known.begin()]);
}

Status SetPositional(const Argument& argument, const std::string& text) {
  const auto& choices = argument.choices;
  if (!choices.empty() &&
      std::find(choices.begin(), choices.end(), text) == choices.end()) {
    return Error{Format("{}: '{}' is none of {}", argument.placeholder, text,
                        Joined(choices, ", "))};
  }
  *argument.target = text;
  if (argument.given != nullptr) *argument.given = true;
  return {};
}

bool ValueIsOptional(const Flag& flag) { return flag.value.starts_with('['); }

// Is `next` the value of the flag before it?
bool TakesNext(const Flag& flag, const std::string& next) {
  if (!ValueIsOptional(flag)) return !flag.value.empty();
  return std::ranges::find(flag.choices, next) != flag.choices.end();
}

// `name` is the one that the user wrote.
Status SetFlag(const Flag& flag, const std::string& name,
               const std::optional<std::string>& value) {
  const bool is_switch = flag.value.empty();
  if (is_switch && value) {
    return Error{Format("{}: takes no value, found '{}'", name, *value)};
  }
  if (!is_switch && !value && !ValueIsOptional(flag)) {
    return Error{Format("{}: needs a value {}", name, flag.value)};
  }
  const Status set = flag.set(value.value_or(name));
  if (!set.ok()) return Error{Format("{}: {}", name, set.error().message)};
  return {};
}

}  // namespace

FlagTable& FlagTable::Group(std::string title) {
  group_ = std::move(title);
  return *this;
}

FlagTable& FlagTable::Add(std::string_view names, std::string value,
                          std::string help, std::string default_text,
                          std::function<Status(std::string_view)> set) {
  Flag flag = {.group = group_,
               .names = Split(names, ", "),
               .value = std::move(value),
               .help = std::move(help),
               .default_text = std::move(default_text),
               .choices = {},
               .repeatable = false,
               .set = std::move(set)};
  for (const std::string& name : flag.names) {
    for (const Flag& other : flags_) BRAID_CHECK(!HasName(other, name));
  }
  flags_.push_back(std::move(flag));
  return *this;
}

FlagTable& FlagTable::Text(std::string_view names, std::string value,
                           std::string help, std::string* target) {
  return Add(names, std::move(value), std::move(help), *target,
             [target](std::string_view text) -> Status {
               *target = text;
               return {};
             });
}

FlagTable& FlagTable::Texts(std::string_view names, std::string value,
                            std::string help,
                            std::vector<std::string>* target) {
  Add(names, std::move(value), std::move(help), "",
      [target](std::string_view text) -> Status {
        target->emplace_back(text);
        return {};
      });
  flags_.back().repeatable = true;
  return *this;
}

FlagTable& FlagTable::Number(std::string_view names, std::string value,
                             std::string help, float* target,
                             Range<double> range) {
  // The shortest text that reads back as the float, not as its double.
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, *target).ptr;
  return Add(names, std::move(value), std::move(help), std::string(text, end),
             [target, range](std::string_view given) -> Status {
               BRAID_ASSIGN(*target, ParseNumber(given, range));
               return {};
             });
}

FlagTable& FlagTable::Integers(std::string_view names, std::string value,
                               std::string help, std::vector<int>* target,
                               Range<int> range) {
  std::vector<std::string> defaults;
  for (const int number : *target) defaults.push_back(std::to_string(number));
  return Add(names, std::move(value), std::move(help), Joined(defaults, ","),
             [target, range](std::string_view text) -> Status {
               BRAID_ASSIGN(*target, ParseIntegers(text, range));
               return {};
             });
}

FlagTable& FlagTable::Threads(int* target) {
  return Add(
      "-t, --threads", "N", "threads; 0 or -1: one per core",
      Format("{}", *target), [target](std::string_view text) -> Status {
        BRAID_ASSIGN(const int64_t number, ParseInteger(text, {-1, 512}));
        *target = static_cast<int>(std::max<int64_t>(number, 0));
        return {};
      });
}

FlagTable& FlagTable::Switch(std::string_view names, std::string help,
                             bool* target, bool meaning) {
  return Add(names, "", std::move(help), "",
             [target, meaning](std::string_view) -> Status {
               *target = meaning;
               return {};
             });
}

FlagTable& FlagTable::Toggle(std::string_view names, std::string help,
                             bool* target) {
  std::string all(names);
  for (const std::string& name : Split(names, ", ")) {
    if (name.starts_with("--")) all += Format(", --no-{}", name.substr(2));
  }
  return Add(all, "", std::move(help), *target ? "on" : "off",
             [target](std::string_view name) -> Status {
               *target = !WithoutDashes(name).starts_with("no-");
               return {};
             });
}

FlagTable& FlagTable::Positional(Argument argument) {
  positionals_.push_back(std::move(argument));
  return *this;
}

FlagTable& FlagTable::Foreign(std::string_view names, std::string value,
                              std::function<Status(std::string_view)> set) {
  std::vector<std::string> choices;
  if (value.starts_with('[')) {
    choices = Split(value.substr(1, value.size() - 2), "|");
  }
  foreign_.push_back({.group = "",
                      .names = Split(names, ", "),
                      .value = std::move(value),
                      .help = "",
                      .default_text = "",
                      .choices = std::move(choices),
                      .repeatable = true,
                      .set = std::move(set)});
  return *this;
}

bool FlagTable::Has(std::string_view name) const {
  return std::any_of(flags_.begin(), flags_.end(),
                     [&](const Flag& flag) { return HasName(flag, name); });
}

const Flag* FlagTable::Find(std::string_view name) const {
  for (const std::vector<Flag>* const list : {&flags_, &foreign_}) {
    for (const Flag& flag : *list) {
      if (HasName(flag, name)) return &flag;
    }
  }
  return nullptr;
}

std::optional<std::string> FlagTable::GivenAs(std::string_view name) const {
  for (const auto& [flag, written] : given_) {
    if (HasName(*flag, name)) return written;
  }
  return {};
}

Result<bool> FlagTable::Parse(std::span<const std::string> arguments) {
  given_.clear();
  size_t positionals = 0;
  bool flags_ended = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (!flags_ended && argument == "--") {
      flags_ended = true;
      continue;
    }
    if (!flags_ended && AsksForHelp(argument)) return true;
    if (flags_ended || !argument.starts_with('-') || argument == "-") {
      if (positionals == positionals_.size()) {
        return Error{Format("unexpected argument '{}'", argument)};
      }
      BRAID_TRY(SetPositional(positionals_[positionals++], argument));
      continue;
    }
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const Flag* const flag = Find(name);
    if (flag == nullptr) {
      return Error{Format("unknown flag {}{}", name, Suggestion(name, flags_))};
    }
    const auto before = std::ranges::find(
        given_, flag, [](const auto& given) { return given.first; });
    if (before != given_.end() && !flag->repeatable) {
      return Error{
          Format("{}: given twice{}", name,
                 before->second == name
                     ? std::string()
                     : Format(", {} is the same flag", before->second))};
    }
    given_.emplace_back(flag, name);
    std::optional<std::string> value;
    if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (i + 1 < arguments.size() && TakesNext(*flag, arguments[i + 1])) {
      value = arguments[++i];
    }
    BRAID_TRY(SetFlag(*flag, name, value));
  }
  if (positionals < positionals_.size() && positionals_[positionals].required) {
    return Error{
        Format("{} is missing", positionals_[positionals].placeholder)};
  }
  return false;
}

}  // namespace braid::cli
