#include "apps/braid/help.h"

#include <utility>
#include <vector>

#include "apps/braid/text.h"
#include "base/format.h"

namespace braid::cli {

namespace {

constexpr size_t kLineWidth = 80;
constexpr size_t kHelpColumn = 32;

// Names, and the help beside or below them.
std::string Entry(const std::string& names, const std::string& help) {
  std::string left = Format("  {}", names);
  if (left.size() + 2 > kHelpColumn) {
    left += Format("\n{}", std::string(kHelpColumn, ' '));
  } else {
    left.resize(kHelpColumn, ' ');
  }
  return Format("{}{}\n", left,
                Wrapped(help, kLineWidth - kHelpColumn, kHelpColumn));
}

std::string FlagEntry(const Flag& flag) {
  std::string names = Joined(flag.names, ", ");
  if (!flag.value.empty()) names += Format(" {}", flag.value);
  std::string help = flag.help;
  if (flag.repeatable) help += " (may be repeated)";
  if (!flag.default_text.empty()) help += Format(" [{}]", flag.default_text);
  return Entry(names, help);
}

}  // namespace

std::string HelpText(std::string_view command, std::string_view description,
                     const FlagTable& table) {
  std::string text = Format("Usage: braid {}", command);
  for (const Argument& argument : table.positionals()) {
    text += Format(argument.required ? " {}" : " [{}]", argument.placeholder);
  }
  text += Format(" [flags]\n\n{}\n", Wrapped(description, kLineWidth, 0));
  if (!table.positionals().empty()) text += "\nArguments:\n";
  for (const Argument& argument : table.positionals()) {
    text += Entry(argument.placeholder, argument.help);
  }

  // A group that is continued later keeps one heading.
  std::vector<std::pair<std::string, std::string>> groups;
  for (const Flag& flag : table.flags()) {
    auto group = groups.begin();
    while (group != groups.end() && group->first != flag.group) ++group;
    if (group == groups.end()) {
      group = groups.insert(groups.end(), {flag.group, ""});
    }
    group->second += FlagEntry(flag);
  }
  for (const auto& [title, entries] : groups) {
    text += Format("\n{}:\n{}", title, entries);
  }
  return text + Format("\nOther:\n{}", Entry("-h, --help", "print this text"));
}

}  // namespace braid::cli
