// The text of --help, made from a command's table of flags.
#ifndef BRAID_APPS_BRAID_HELP_H_
#define BRAID_APPS_BRAID_HELP_H_

#include <string>
#include <string_view>

#include "apps/braid/flags.h"

namespace braid::cli {

// Usage line, `description`, then every flag with its default under its group's
// heading: names left, help in an aligned column, 80 columns wide.
std::string HelpText(std::string_view command, std::string_view description,
                     const FlagTable& table);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_HELP_H_
