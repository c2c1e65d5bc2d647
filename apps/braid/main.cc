// braid: the command-line program.
#include <csignal>
#include <string>
#include <vector>

#include "apps/braid/command.h"
#include "apps/braid/console.h"
#include "kernels/targets.h"

int main(int argc, char** argv) {
  // Print() ends the program quietly when the reader of a pipe goes away.
  std::signal(SIGPIPE, SIG_IGN);
  const braid::Status cpu = braid::CheckCpu();
  if (!cpu.ok()) {
    braid::cli::Note("braid: " + cpu.error().message + "\n");
    return 1;
  }
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0),
                                           argv + argc);
  return braid::cli::RunCommandLine(arguments);
}
