// Prompts as users give them: -p, -f, -bf, --per-line, escapes.
#ifndef BRAID_APPS_BRAID_PROMPTS_H_
#define BRAID_APPS_BRAID_PROMPTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "apps/braid/flags.h"
#include "braid/result.h"

namespace braid::cli {

struct Prompt {
  std::string text;
  std::string where;  // "FILE" or "FILE, line 7"; empty: on the command line
};

struct PromptFlags {
  std::vector<std::string> texts;
  std::string file;
  std::string binary_file;
  bool per_line = false;
  bool escape = true;

  void Declare(FlagTable& table);
  // Is there nothing in which escapes could be processed?
  bool EscapesNothing() const { return texts.empty() && !per_line; }
  // Errors: a file cannot be read; --per-line without a file, or with an empty
  // one. Empty if none was given.
  Result<std::vector<Prompt>> Read() const;
};

// "prompt 3 (FILE, line 7)", for messages; the first is number 0.
std::string PromptName(size_t number, const Prompt& prompt);

// \n \r \t \0 \\ \' \" and \xHH become the byte that they mean; anything else
// after a backslash stays as it is.
std::string ProcessEscapes(std::string_view text);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_PROMPTS_H_
