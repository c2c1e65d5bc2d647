// The flags of llama.cpp's programs, as their users type them, and what becomes
// of each here. A command line that worked there should work here, or say why
// it does not.
//
// The names and placeholders are those of llama.cpp's documentation; the table
// (known_flags_table.cc) is the source of docs/flags.md too.
#ifndef BRAID_APPS_BRAID_KNOWN_FLAGS_H_
#define BRAID_APPS_BRAID_KNOWN_FLAGS_H_

#include <string>
#include <string_view>
#include <vector>

#include "apps/braid/flags.h"

namespace braid::cli {

enum class Verdict {
  kSupported,      // a flag of the command's own table
  kNotApplicable,  // accepted with a note: it cannot change a result here
  kRefused,        // an error that says why, and what does it instead
};

struct KnownFlag {
  std::string_view names;  // separated by ", "
  std::string_view value;  // as in Flag
  Verdict verdict;
  // A clause; of a supported flag what is different, if anything is.
  std::string_view remark;
  // With this number, which turns it off, a refused flag is accepted.
  std::string_view neutral;
};

// Flags that some commands treat alike. Commands that stand for no program of
// llama.cpp may be among them, and need not support what the others do.
struct KnownFlagGroup {
  std::string_view title;
  std::vector<std::string_view> commands;
  std::vector<KnownFlag> flags;
};

const std::vector<KnownFlagGroup>& KnownFlagGroups();

struct KnownProgram {
  std::string_view program;  // of llama.cpp
  std::string_view command;  // of braid
};

const std::vector<KnownProgram>& KnownPrograms();

// Lets `table`, the flags of `command`, take what is not supported, too. Notes
// go to standard error. Flags of the table itself come first; a command that
// stands for no program of llama.cpp gets what all of them share.
void AddKnownFlags(std::string_view command, FlagTable& table);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_KNOWN_FLAGS_H_
