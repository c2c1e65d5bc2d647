#include "apps/braid/help.h"

#include "apps/braid/text.h"
#include "base/format.h"

namespace braid::cli {

namespace {

constexpr size_t kHelpColumn = 32;
constexpr size_t kLeastColumns = 60;  // for help beside the names
constexpr size_t kNarrowIndent = 6;   // of help below them

// Names, and the help beside or below them.
std::string Entry(const std::string& names, const std::string& help,
                  size_t columns) {
  if (columns < kLeastColumns) {
    return Format("  {}\n{}{}\n", Wrapped(names, columns - 4, 4),
                  std::string(kNarrowIndent, ' '),
                  Wrapped(help, columns - kNarrowIndent, kNarrowIndent));
  }
  std::string left = Format("  {}", names);
  if (left.size() + 2 > kHelpColumn) {
    left += Format("\n{}", std::string(kHelpColumn, ' '));
  } else {
    left.resize(kHelpColumn, ' ');
  }
  return Format("{}{}\n", left,
                Wrapped(help, columns - kHelpColumn, kHelpColumn));
}

std::string FlagEntry(const Flag& flag, size_t columns) {
  std::string names = Joined(flag.names, ", ");
  if (!flag.value.empty()) names += Format(" {}", flag.value);
  return Entry(names, FlagHelp(flag), columns);
}

const Flag& HelpFlag() {
  static const auto* const kFlag = new Flag{.group = "Other",
                                            .names = {"-h", "--help"},
                                            .value = "",
                                            .help = "print this text",
                                            .default_text = "",
                                            .choices = {},
                                            .repeatable = false,
                                            .set = {}};
  return *kFlag;
}

}  // namespace

std::string HelpText(std::string_view command, std::string_view description,
                     const FlagTable& table, size_t columns) {
  std::string usage = Format("Usage: braid {}", command);
  for (const Argument& argument : table.positionals()) {
    usage += Format(argument.required ? " {}" : " [{}]", argument.placeholder);
  }
  usage += " [flags]";
  std::string text = Format("{}\n\n{}\n", Wrapped(usage, columns - 2, 2),
                            Wrapped(description, columns, 0));
  if (!table.positionals().empty()) text += "\nArguments:\n";
  for (const Argument& argument : table.positionals()) {
    text += Entry(argument.placeholder, argument.help, columns);
  }

  for (const FlagGroup& group : FlagGroups(table)) {
    text += Format("\n{}:\n", Wrapped(group.title, columns - 1, 0));
    for (const Flag* const flag : group.flags) {
      text += FlagEntry(*flag, columns);
    }
  }
  return text;
}

std::string FlagHelp(const Flag& flag) {
  std::string help = flag.help;
  if (flag.repeatable) help += " (may be repeated)";
  if (!flag.default_text.empty()) help += Format(" [{}]", flag.default_text);
  return help;
}

std::vector<FlagGroup> FlagGroups(const FlagTable& table) {
  // A group that is continued later keeps one heading.
  std::vector<FlagGroup> groups;
  const auto add = [&groups](const Flag& flag) {
    for (FlagGroup& group : groups) {
      if (group.title != flag.group) continue;
      group.flags.push_back(&flag);
      return;
    }
    groups.push_back({flag.group, {&flag}});
  };
  for (const Flag& flag : table.flags()) add(flag);
  add(HelpFlag());
  return groups;
}

}  // namespace braid::cli
