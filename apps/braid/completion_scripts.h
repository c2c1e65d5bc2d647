// Scripts that complete commands, flags and values in a shell, made from the
// tables of all commands.
#ifndef BRAID_APPS_BRAID_COMPLETION_SCRIPTS_H_
#define BRAID_APPS_BRAID_COMPLETION_SCRIPTS_H_

#include <string>

namespace braid::cli {

// source <(braid completion bash)
std::string BashCompletion();
// source <(braid completion zsh), or as the file _braid in $fpath.
std::string ZshCompletion();
// braid completion fish | source
std::string FishCompletion();

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_COMPLETION_SCRIPTS_H_
