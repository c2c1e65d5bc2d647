// braid: the command-line program.
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "apps/braid/command.h"
#include "apps/braid/console.h"
#include "base/guarded.h"
#include "kernels/targets.h"

namespace {

// A page that a mapped file has lost. Models are read in other ways
// (base/mapped_file.h); the tools for files map what they walk through.
void SayThatAFileWasCut(int /*signal*/) {
  constexpr char kMessage[] =
      "braid: a file was cut short while it was being read\n";
  (void)!::write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
  ::_exit(1);
}

int Run(int argc, char** argv) {
  const braid::Status cpu = braid::CheckCpu();
  if (!cpu.ok()) {
    braid::cli::Note("braid: " + cpu.error().message + "\n");
    return 1;
  }
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0),
                                           argv + argc);
  return braid::cli::RunCommandLine(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  // Print() ends the program quietly when the reader of a pipe goes away.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGBUS, SayThatAFileWasCut);
  try {
    return Run(argc, argv);
  } catch (...) {
    // What the commands themselves need, outside the library.
    const braid::Error error = braid::ErrorOfException("running the command");
    braid::cli::Note("braid: ");
    braid::cli::Note(error.message);
    braid::cli::Note("\n");
    return 1;
  }
}
