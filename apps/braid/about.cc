// braid help and braid version.
#include "apps/braid/command.h"
#include "apps/braid/console.h"
#include "apps/braid/flags_document.h"
#include "apps/braid/man_page.h"

namespace braid::cli {

namespace {

class Help : public Command {
 public:
  FlagTable Flags() override {
    std::vector<std::string> names;
    for (const CommandEntry& entry : Commands()) names.push_back(entry.name);
    FlagTable table;
    table.Positional({.placeholder = "COMMAND",
                      .help = "whose help; all commands if not given",
                      .choices = names,
                      .required = false,
                      .target = &command_});
    table.Group("Output")
        .Switch("--man", "print it as a manual page, for man -l -", &man_)
        .Switch("--flags-table",
                "print what becomes of the flags of llama.cpp's programs, in "
                "Markdown",
                &flags_table_);
    return table;
  }

  Status Run() override {
    if (flags_table_) {
      Print(FlagsDocument());
      return {};
    }
    if (command_.empty()) {
      Print(man_ ? OverviewPage() : OverviewText(OutputColumns()));
      return {};
    }
    for (const CommandEntry& entry : Commands()) {
      if (entry.name != command_) continue;
      Print(man_ ? ManPage(entry) : CommandHelp(entry, OutputColumns()));
    }
    return {};
  }

 private:
  std::string command_;
  bool man_ = false;
  bool flags_table_ = false;
};

class Version : public Command {
 public:
  FlagTable Flags() override { return {}; }

  Status Run() override {
    Print(Format("braid {}\n", BRAID_VERSION));
    return {};
  }
};

}  // namespace

std::unique_ptr<Command> MakeHelp() { return std::make_unique<Help>(); }
std::unique_ptr<Command> MakeVersion() { return std::make_unique<Version>(); }

}  // namespace braid::cli
