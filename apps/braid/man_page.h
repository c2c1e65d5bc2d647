// Manual pages, made from the same tables as --help. Section 1, in the macros
// of man(7).
#ifndef BRAID_APPS_BRAID_MAN_PAGE_H_
#define BRAID_APPS_BRAID_MAN_PAGE_H_

#include <string>

#include "apps/braid/command.h"

namespace braid::cli {

// braid-COMMAND(1)
std::string ManPage(const CommandEntry& entry);

// braid(1): the commands.
std::string OverviewPage();

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_MAN_PAGE_H_
