// braid completion: a script for a shell.
#include "apps/braid/command.h"
#include "apps/braid/completion_scripts.h"
#include "apps/braid/console.h"

namespace braid::cli {

namespace {

class Completion : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    table.Positional({.placeholder = "SHELL",
                      .help = "bash, zsh or fish",
                      .choices = {"bash", "zsh", "fish"},
                      .required = true,
                      .target = &shell_});
    return table;
  }

  Status Run() override {
    if (shell_ == "bash") Print(BashCompletion());
    if (shell_ == "zsh") Print(ZshCompletion());
    if (shell_ == "fish") Print(FishCompletion());
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
