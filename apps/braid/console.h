// What the commands write: results to standard output, the rest to standard
// error.
#ifndef BRAID_APPS_BRAID_CONSOLE_H_
#define BRAID_APPS_BRAID_CONSOLE_H_

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"

namespace braid::cli {

// Takes the numbers of standard streams that are closed, so that no file gets
// them: a model would be read as standard input, or results written into it.
// Call it first.
void ReserveStandardStreams();

// Writes a result to standard output at once. If its reader went away (as in
// `braid ... | head`) the program ends here, quietly and successfully: nobody
// is left to work for. Any other failure (a full disk) ends it with a message
// and exit code 1.
void Print(std::string_view text);

// The same of a command whose result is a file: without a reader it goes on, so
// that `braid quantize ... | head` makes its file.
void PrintBesideFile(std::string_view text);

// Writes to standard error; what cannot be written is lost.
void Note(std::string_view text);
// Each on a line of its own.
void NoteAll(std::span<const std::string> notices);

bool OutputIsTerminal();
bool ErrorsAreTerminal();
// How wide text on standard output and on standard error should be: the
// terminal, within 20 to 120 columns; 80 if it is none.
size_t OutputColumns();
size_t ErrorColumns();

// Error: a file cannot be written at `path`, or something else is there. Before
// the work whose result it would be.
Status CheckWritable(const std::string& path);

// Prints texts in the order of their numbers 0, 1, ..., each as soon as it and
// all before it are there.
class OrderedOutput {
 public:
  explicit OrderedOutput(int count) : texts_(count) {}
  void Finish(int number, std::string text);

 private:
  std::vector<std::optional<std::string>> texts_;
  size_t next_ = 0;
};

class Stopwatch {
 public:
  double Seconds() const {
    const auto passed = std::chrono::steady_clock::now() - start_;
    return std::chrono::duration<double>(passed).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_CONSOLE_H_
