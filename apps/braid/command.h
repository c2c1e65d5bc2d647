// Command: one subcommand of braid.
#ifndef BRAID_APPS_BRAID_COMMAND_H_
#define BRAID_APPS_BRAID_COMMAND_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/braid/flags.h"
#include "braid/result.h"

namespace braid::cli {

// Flags that have no effect with the others that were given.
struct UnusedFlags {
  std::string names;        // separated by ", ", one of each flag
  std::string use;          // "with restore", "without -m"
  bool only_noted = false;  // they cannot have been meant to change a result
};

// Holds the variables that its flags set. Results go to standard output,
// everything else to standard error (console.h).
class Command {
 public:
  virtual ~Command() = default;

  // Bound to this object, which must outlive the table.
  virtual FlagTable Flags() = 0;
  // After the flags were parsed: those that the user may have given in vain. If
  // so, the command is refused, or the user is told.
  virtual std::vector<UnusedFlags> Unused() const { return {}; }
  // Called once, after that.
  virtual Status Run() = 0;
  // Exit codes after a run that succeeded, and after any error.
  virtual int CodeOfSuccess() const { return 0; }
  virtual int CodeOfFailure() const { return 1; }
};

struct CommandEntry {
  std::string group;  // its heading in the overview
  std::string name;
  std::string summary;      // one line
  std::string description;  // below the usage line of --help
  std::unique_ptr<Command> (*make)();
};

// Every command, in the order in which help shows them; those of a group stand
// together.
const std::vector<CommandEntry>& Commands();

// What `braid help` and `braid COMMAND --help` print, in lines of at most so
// many columns.
std::string OverviewText(size_t columns);
std::string CommandHelp(const CommandEntry& entry, size_t columns);

// Runs `braid ARGUMENTS...`; returns the exit code: 0, or 1 for an error, but
// for commands that define others; 130 if Ctrl-C ended it.
int RunCommandLine(std::span<const std::string> arguments);

std::unique_ptr<Command> MakeGenerate();
std::unique_ptr<Command> MakeChat();
std::unique_ptr<Command> MakeParallel();
std::unique_ptr<Command> MakeEmbedding();
std::unique_ptr<Command> MakePerplexity();
std::unique_ptr<Command> MakeTokenize();
std::unique_ptr<Command> MakeDetokenize();
std::unique_ptr<Command> MakeBench();
std::unique_ptr<Command> MakeBatchedBench();
std::unique_ptr<Command> MakeFit();
std::unique_ptr<Command> MakeState();
std::unique_ptr<Command> MakeSaveLoadState();
std::unique_ptr<Command> MakeGguf();
std::unique_ptr<Command> MakeConvert();
std::unique_ptr<Command> MakeQuantize();
std::unique_ptr<Command> MakeImatrix();
std::unique_ptr<Command> MakeCompletion();
std::unique_ptr<Command> MakeHelp();
std::unique_ptr<Command> MakeVersion();

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_COMMAND_H_
