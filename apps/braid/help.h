// The text of --help, made from a command's table of flags, and the pieces that
// manual pages share with it.
#ifndef BRAID_APPS_BRAID_HELP_H_
#define BRAID_APPS_BRAID_HELP_H_

#include <string>
#include <string_view>
#include <vector>

#include "apps/braid/flags.h"

namespace braid::cli {

// Usage line, `description`, then every flag with its default under its group's
// heading: names left, help in an aligned column, or below the names where
// fewer than 60 columns leave no room beside them. Lines have at most `columns`
// bytes, unless a single word has more.
std::string HelpText(std::string_view command, std::string_view description,
                     const FlagTable& table, size_t columns);

// What is said about a flag, its default at the end.
std::string FlagHelp(const Flag& flag);

struct FlagGroup {
  std::string title;
  std::vector<const Flag*> flags;
};

// The flags under their headings, and --help, "Other", as the last. They point
// into `table`.
std::vector<FlagGroup> FlagGroups(const FlagTable& table);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_HELP_H_
