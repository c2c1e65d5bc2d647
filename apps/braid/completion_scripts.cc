#include "apps/braid/completion_scripts.h"

#include "apps/braid/command.h"
#include "apps/braid/text.h"

namespace braid::cli {

namespace {

bool IsFile(const std::string& placeholder) {
  return placeholder == "FILE" || placeholder == "DIR" || placeholder == "IN" ||
         placeholder == "OUT" || placeholder == "TARGET";
}

// Every command with its table of flags.
class Tables {
 public:
  struct Row {
    const CommandEntry* entry;
    std::unique_ptr<Command> command;  // which the table is bound to
    FlagTable table;
  };

  Tables() {
    for (const CommandEntry& entry : Commands()) {
      std::unique_ptr<Command> command = entry.make();
      FlagTable table = command->Flags();
      rows_.push_back({&entry, std::move(command), std::move(table)});
    }
  }

  const std::vector<Row>& rows() const { return rows_; }

 private:
  std::vector<Row> rows_;
};

// `text` with a backslash before each of `special`.
std::string Escaped(std::string_view text, std::string_view special) {
  std::string escaped;
  for (const char c : text) {
    if (special.find(c) != special.npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// The first clause of a help text; menus have one line.
std::string Brief(std::string_view help) {
  help = help.substr(0, help.find_first_of(";:("));
  return std::string(help.substr(0, help.find_last_not_of(' ') + 1));
}

// ---- bash

// One arm of `case "$command:$previous"`: what may follow a flag.
std::string ValueArm(const std::string& command, const Flag& flag) {
  std::vector<std::string> patterns;
  for (const std::string& name : flag.names) {
    patterns.push_back(Format("{}:{}", command, name));
  }
  std::string values;  // of any text nothing is proposed
  if (IsFile(flag.value)) values = "files";
  if (!flag.choices.empty()) values = Joined(flag.choices, " ");
  return Format("    {}) values=\"{}\" ;;\n", Joined(patterns, "|"), values);
}

// One arm of `case "$command"`: its flags and what its arguments may be.
std::string WordsArm(const std::string& command, const FlagTable& table) {
  std::vector<std::string> words = {"--help"};
  bool takes_file = false;
  for (const Flag& flag : table.flags()) {
    words.insert(words.end(), flag.names.begin(), flag.names.end());
  }
  for (const Argument& argument : table.positionals()) {
    words.insert(words.end(), argument.choices.begin(), argument.choices.end());
    takes_file |= IsFile(argument.placeholder);
  }
  return Format("    {}) words=\"{}\"{} ;;\n", command, Joined(words, " "),
                takes_file ? " files=1" : "");
}

// ---- zsh

// In single quotes, where a quote is '\'' and zsh itself reads [ ] and :.
std::string ZshText(std::string_view text) {
  std::string quoted;
  for (const char c : Escaped(text, "[]:\\")) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted;
}

// What _arguments is told about values: ":KIND:(mean cls)".
std::string ZshValue(const std::string& placeholder,
                     const std::vector<std::string>& choices) {
  const std::string action = choices.empty()
                                 ? (IsFile(placeholder) ? "_files" : " ")
                                 : Format("({})", Joined(choices, " "));
  return Format(":{}:{}", ZshText(placeholder), action);
}

std::string ZshFlag(const Flag& flag) {
  const std::string before =
      flag.repeatable ? "*" : Format("({})", Joined(flag.names, " "));
  const std::string value =
      flag.value.empty() ? "" : ZshValue(flag.value, flag.choices);
  std::string specs;
  for (const std::string& name : flag.names) {
    specs += Format(" \\\n        '{}{}[{}]{}'", before, name,
                    ZshText(Brief(flag.help)), value);
  }
  return specs;
}

std::string ZshArm(const Tables::Row& row) {
  std::string specs;
  int number = 0;
  for (const Argument& argument : row.table.positionals()) {
    specs +=
        Format(" \\\n        '{}{}{}'", ++number, argument.required ? "" : ":",
               ZshValue(argument.placeholder, argument.choices));
  }
  for (const Flag& flag : row.table.flags()) specs += ZshFlag(flag);
  return Format(
      "    {})\n      _arguments{} \\\n"
      "        '(-h --help)'{-h,--help}'[print help]'\n      ;;\n",
      row.entry->name, specs);
}

// ---- fish

std::string FishText(std::string_view text) {
  return Format("'{}'", Escaped(text, "\\'"));
}

// -l long, -s s, -o old.
std::string FishName(std::string_view name) {
  if (name.starts_with("--")) return Format(" -l {}", name.substr(2));
  return Format(" -{} {}", name.size() == 2 ? "s" : "o", name.substr(1));
}

std::string FishFlag(const Flag& flag) {
  std::string text;
  for (const std::string& name : flag.names) text += FishName(name);
  text += Format(" -d {}", FishText(Brief(flag.help)));
  if (flag.value.empty()) return text;
  if (!flag.choices.empty()) {
    return text + Format(" -x -a {}", FishText(Joined(flag.choices, " ")));
  }
  return text + (IsFile(flag.value) ? " -r -F" : " -x");
}

std::string FishLines(const Tables::Row& row) {
  const std::string start =
      Format("complete -c braid -n '__braid_command {}'", row.entry->name);
  std::string text;
  for (const Argument& argument : row.table.positionals()) {
    if (IsFile(argument.placeholder)) text += Format("{} -F\n", start);
    if (argument.choices.empty()) continue;
    text +=
        Format("{} -a {}\n", start, FishText(Joined(argument.choices, " ")));
  }
  for (const Flag& flag : row.table.flags()) {
    text += Format("{}{}\n", start, FishFlag(flag));
  }
  return text + Format("{} -s h -l help -d 'print help'\n", start);
}

}  // namespace

std::string BashCompletion() {
  const Tables tables;
  std::vector<std::string> commands;
  std::string value_arms;
  std::string words_arms;
  for (const Tables::Row& row : tables.rows()) {
    commands.push_back(row.entry->name);
    words_arms += WordsArm(row.entry->name, row.table);
    for (const Flag& flag : row.table.flags()) {
      if (!flag.value.empty()) value_arms += ValueArm(row.entry->name, flag);
    }
  }
  return Format(R"(# Bash completion of braid; made by: braid completion bash
_braid() {
  local word="${COMP_WORDS[COMP_CWORD]}"
  local previous="${COMP_WORDS[COMP_CWORD - 1]}"
  local command="${COMP_WORDS[1]}" words="" values=none files=0
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "{}" -- "$word"))
    return
  fi
  case "$command:$previous" in
{}  esac
  if [[ "$values" == files ]]; then
    COMPREPLY=($(compgen -f -- "$word"))
    return
  fi
  if [[ "$values" != none ]]; then
    COMPREPLY=($(compgen -W "$values" -- "$word"))
    return
  fi
  case "$command" in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if ((files)); then COMPREPLY+=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _braid braid
)",
                Joined(commands, " "), value_arms, words_arms);
}

std::string ZshCompletion() {
  const Tables tables;
  std::string commands;
  std::string arms;
  for (const Tables::Row& row : tables.rows()) {
    commands +=
        Format("    '{}:{}'\n", row.entry->name, ZshText(row.entry->summary));
    arms += ZshArm(row);
  }
  return Format(R"(#compdef braid
# Zsh completion of braid; made by: braid completion zsh
_braid() {
  local -a commands
  commands=(
{}  )
  if ((CURRENT == 2)); then
    _describe 'command' commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
{}  esac
}
# Called when it was autoloaded, registered when it was sourced.
if [[ $funcstack[1] == _braid ]]; then
  _braid "$@"
else
  compdef _braid braid
fi
)",
                commands, arms);
}

std::string FishCompletion() {
  const Tables tables;
  std::string text =
      R"(# Fish completion of braid; made by: braid completion fish
function __braid_no_command
    test (count (commandline -opc)) -eq 1
end
function __braid_command
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = $argv[1]
end
complete -c braid -f
)";
  for (const Tables::Row& row : tables.rows()) {
    text += Format("complete -c braid -n __braid_no_command -a {} -d {}\n",
                   row.entry->name, FishText(row.entry->summary));
  }
  for (const Tables::Row& row : tables.rows()) text += FishLines(row);
  return text;
}

}  // namespace braid::cli
