// braid completion: a shell script made from the tables of all commands.
#include "apps/braid/command.h"
#include "apps/braid/console.h"
#include "apps/braid/text.h"

namespace braid::cli {

namespace {

// One arm of `case "$command:$previous"`: what may follow a flag.
std::string ValueArm(const std::string& command, const Flag& flag) {
  std::vector<std::string> patterns;
  for (const std::string& name : flag.names) {
    patterns.push_back(Format("{}:{}", command, name));
  }
  std::string values;  // of any text nothing is proposed
  if (flag.value == "FILE") values = "files";
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
    takes_file |=
        argument.placeholder == "FILE" || argument.placeholder == "DIR";
  }
  return Format("    {}) words=\"{}\"{} ;;\n", command, Joined(words, " "),
                takes_file ? " files=1" : "");
}

std::string BashScript() {
  std::vector<std::string> commands;
  std::string value_arms;
  std::string words_arms;
  for (const CommandEntry& entry : Commands()) {
    const std::unique_ptr<Command> command = entry.make();
    const FlagTable table = command->Flags();
    commands.push_back(entry.name);
    words_arms += WordsArm(entry.name, table);
    for (const Flag& flag : table.flags()) {
      if (!flag.value.empty()) value_arms += ValueArm(entry.name, flag);
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

class Completion : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    table.Positional({.placeholder = "SHELL",
                      .help = "bash",
                      .choices = {"bash"},
                      .required = true,
                      .target = &shell_});
    return table;
  }

  Status Run() override {
    Print(BashScript());
    return {};
  }

 private:
  std::string shell_;
};

}  // namespace

std::unique_ptr<Command> MakeCompletion() {
  return std::make_unique<Completion>();
}

}  // namespace braid::cli
