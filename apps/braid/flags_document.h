// docs/flags.md: what becomes of every flag of llama.cpp's programs.
#ifndef BRAID_APPS_BRAID_FLAGS_DOCUMENT_H_
#define BRAID_APPS_BRAID_FLAGS_DOCUMENT_H_

#include <string>

namespace braid::cli {

// Markdown, made from the tables of known flags and of all commands.
std::string FlagsDocument();

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_FLAGS_DOCUMENT_H_
