#include "apps/braid/flags_document.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "apps/braid/command.h"
#include "apps/braid/known_flags.h"
#include "apps/braid/text.h"

namespace braid::cli {

namespace {

constexpr const char* kIntroduction =
    "# Flags of llama.cpp's programs\n\n"
    "Made by `braid help --flags-table`; a test compares. Every flag that "
    "these programs of llama.cpp document (build 11549, October 2026, and "
    "older spellings) is one of these:\n\n"
    "- **supported**: the command has it, with the same meaning; a remark says "
    "what is different.\n"
    "- **not applicable**: accepted, with a note on standard error. It could "
    "not change a result here.\n"
    "- **refused**: an error that says why, and what to use instead. Some are "
    "accepted with the one value that turns them off.\n";

std::string Verb(const KnownFlag& flag) {
  switch (flag.verdict) {
    case Verdict::kSupported:
      return "supported";
    case Verdict::kNotApplicable:
      return "not applicable";
    case Verdict::kRefused:
      break;
  }
  if (flag.neutral.empty()) return "refused";
  return Format("refused, but for {}", flag.neutral);
}

// A cell of a table: a bar would end it.
std::string Cell(std::string_view text) {
  return Joined(Split(text, "|"), "\\|");
}

std::string Code(std::string_view text) { return Format("`{}`", Cell(text)); }

std::string NamesCell(const KnownFlag& flag) {
  std::vector<std::string> names;
  for (const std::string& name : Split(flag.names, ", ")) {
    names.push_back(Code(name));
  }
  const std::string value =
      flag.value.empty() ? "" : Format(" {}", Cell(flag.value));
  return Joined(names, ", ") + value;
}

bool IsProgram(std::string_view command) {
  return std::ranges::any_of(KnownPrograms(), [&](const KnownProgram& known) {
    return known.command == command;
  });
}

// What Markdown makes of a heading that is linked to.
std::string Anchor(std::string_view title) {
  std::string anchor;
  for (const char c : title) {
    if (c == ' ') anchor += '-';
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return anchor;
}

std::string ProgramsTable() {
  std::string text =
      "\n| program | command | its flags |\n| --- | --- | --- |\n";
  for (const KnownProgram& known : KnownPrograms()) {
    std::vector<std::string> links;
    for (const KnownFlagGroup& group : KnownFlagGroups()) {
      if (std::ranges::count(group.commands, known.command) == 0) continue;
      links.push_back(Format("[{}](#{})", group.title, Anchor(group.title)));
    }
    text += Format("| {} | `braid {}` | {} |\n", known.program, known.command,
                   Joined(links, "; "));
  }
  return text;
}

std::string GroupTable(const KnownFlagGroup& group) {
  std::vector<std::string> commands;
  for (const std::string_view command : group.commands) {
    if (IsProgram(command)) commands.push_back(Code(command));
  }
  std::string text = Format(
      "\n## {}\n\nOf {}.\n\n| flag | here | remark |\n| --- | --- | --- |\n",
      group.title, Joined(commands, ", "));
  for (const KnownFlag& flag : group.flags) {
    text += Format("| {} | {} | {} |\n", NamesCell(flag), Verb(flag),
                   Cell(flag.remark));
  }
  return text;
}

std::set<std::string> KnownNames(std::string_view command) {
  std::set<std::string> names;
  for (const KnownFlagGroup& group : KnownFlagGroups()) {
    if (std::ranges::count(group.commands, command) == 0) continue;
    for (const KnownFlag& flag : group.flags) {
      const std::vector<std::string> more = Split(flag.names, ", ");
      names.insert(more.begin(), more.end());
    }
  }
  return names;
}

// The flags that llama.cpp's programs do not have.
std::string OwnFlags() {
  std::string text =
      "\n## Braid's own\n\n| command | flags that llama.cpp does not have |\n"
      "| --- | --- |\n";
  for (const CommandEntry& entry : Commands()) {
    if (!IsProgram(entry.name)) continue;
    const std::set<std::string> known = KnownNames(entry.name);
    const std::unique_ptr<Command> command = entry.make();
    const FlagTable table = command->Flags();
    std::vector<std::string> own;
    for (const Flag& flag : table.flags()) {
      const bool shared = std::ranges::any_of(
          flag.names,
          [&](const std::string& name) { return known.count(name) > 0; });
      if (!shared) own.push_back(Code(flag.names.back()));
    }
    text += Format("| `braid {}` | {} |\n", entry.name, Joined(own, ", "));
  }
  return text;
}

}  // namespace

std::string FlagsDocument() {
  std::string text = kIntroduction + ProgramsTable();
  for (const KnownFlagGroup& group : KnownFlagGroups()) {
    text += GroupTable(group);
  }
  return text + OwnFlags();
}

}  // namespace braid::cli
