// Prompts as users give them: -p, -f, -bf, --per-line, escapes.
#ifndef BRAID_APPS_BRAID_PROMPTS_H_
#define BRAID_APPS_BRAID_PROMPTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "apps/braid/flags.h"
#include "braid/result.h"

namespace braid::cli {

struct PromptFlags {
  std::vector<std::string> texts;
  std::string file;
  std::string binary_file;
  bool per_line = false;
  bool escape = true;

  void Declare(FlagTable& table);
  // Error: a file cannot be read. Empty if none was given.
  Result<std::vector<std::string>> Read() const;
};

// \n \r \t \0 \\ \' \" and \xHH become the byte that they mean; anything else
// after a backslash stays as it is.
std::string ProcessEscapes(std::string_view text);

// The whole of a file, or of standard input for "-".
Result<std::string> ReadText(const std::string& path);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_PROMPTS_H_
