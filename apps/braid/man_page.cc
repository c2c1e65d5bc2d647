#include "apps/braid/man_page.h"

#include "apps/braid/help.h"
#include "base/format.h"

namespace braid::cli {

namespace {

// Text as troff prints it: a backslash and a dash are requests to it, and so is
// a line that starts with a dot or an apostrophe.
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else if (c == '\'') {
      escaped += "\\(aq";
    } else if (c == '.' && escaped.empty()) {
      escaped += "\\&.";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string Bold(std::string_view text) {
  return Format("\\fB{}\\fR", Escaped(text));
}

std::string Italic(std::string_view text) {
  return Format("\\fI{}\\fR", Escaped(text));
}

std::string Title(std::string_view page, std::string_view summary) {
  return Format(
      ".TH \"{}\" 1 \"\" \"braid {}\" \"Braid\"\n.SH NAME\n{} \\- {}\n",
      Escaped(page), BRAID_VERSION, Escaped(page), Escaped(summary));
}

std::string Section(std::string_view title) {
  return Format(".SH {}\n", title);
}

// A term, and what it means, indented below.
std::string Item(const std::string& term, std::string_view meaning) {
  return Format(".TP\n{}\n{}\n", term, Escaped(meaning));
}

std::string FlagItem(const Flag& flag) {
  std::string term;
  for (const std::string& name : flag.names) {
    term += Format("{}{}", term.empty() ? "" : ", ", Bold(name));
  }
  if (!flag.value.empty()) term += Format(" {}", Italic(flag.value));
  return Item(term, FlagHelp(flag));
}

std::string Synopsis(std::string_view command, const FlagTable& table) {
  std::string text =
      Format("{}{}", Section("SYNOPSIS"), Bold(Format("braid {}", command)));
  for (const Argument& argument : table.positionals()) {
    const std::string name = Italic(argument.placeholder);
    text += argument.required ? Format(" {}", name) : Format(" [{}]", name);
  }
  return Format("{} [{}]\n", text, Italic("flags"));
}

std::string ExitStatus() {
  return Section("EXIT STATUS") +
         "0 after success, 1 after an error, which standard error names: also "
         "if "
         "some of several texts failed. 130 if Ctrl-C ended it.\n" +
         Bold("braid gguf diff") + " exits like diff(1).\n";
}

}  // namespace

std::string ManPage(const CommandEntry& entry) {
  const std::unique_ptr<Command> command = entry.make();
  const FlagTable table = command->Flags();
  std::string text = Title(Format("braid-{}", entry.name), entry.summary) +
                     Synopsis(entry.name, table) + Section("DESCRIPTION") +
                     Escaped(entry.description) + "\n";
  if (!table.positionals().empty()) text += Section("ARGUMENTS");
  for (const Argument& argument : table.positionals()) {
    text += Item(Italic(argument.placeholder), argument.help);
  }
  text += Section("OPTIONS");
  for (const FlagGroup& group : FlagGroups(table)) {
    text += Format(".SS {}\n", Escaped(group.title));
    for (const Flag* const flag : group.flags) text += FlagItem(*flag);
  }
  return text + ExitStatus() + Section("SEE ALSO") + ".BR braid (1)\n";
}

std::string OverviewPage() {
  std::string text =
      Title("braid", "runs recurrent, attention and hybrid language models") +
      Section("SYNOPSIS") + Bold("braid") + " " + Italic("COMMAND") + " [" +
      Italic("flags") + "]\n" + Section("DESCRIPTION") +
      Escaped(
          "Many sequences at once, through one batch; what a sequence "
          "gives does not depend on the others. Results go to standard "
          "output, everything else to standard error.") +
      "\n" + Section("COMMANDS");
  std::string group;
  for (const CommandEntry& entry : Commands()) {
    if (entry.group != group) text += Format(".SS {}\n", entry.group);
    group = entry.group;
    text += Item(Format("{}(1)", Bold(Format("braid-{}", entry.name))),
                 entry.summary);
  }
  return text + ExitStatus();
}

}  // namespace braid::cli
