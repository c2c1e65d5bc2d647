// Small pieces of text that help, reports and tables are made of.
#ifndef BRAID_APPS_BRAID_TEXT_H_
#define BRAID_APPS_BRAID_TEXT_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace braid::cli {

std::string Joined(std::span<const std::string> words,
                   std::string_view between);

// What stands between the separators, which are not empty; at least one piece.
std::vector<std::string> Split(std::string_view text,
                               std::string_view separator);

// Lines without their ends, with the numbers that an editor shows: empty lines
// are left out and count.
struct NumberedLine {
  size_t number = 0;      // of the first line: 1
  std::string_view text;  // lives as long as what was split
};
std::vector<NumberedLine> SplitNumberedLines(std::string_view text);

// `text` in lines of at most `width` characters, broken at blanks; every line
// after the first is indented by `indent`.
std::string Wrapped(std::string_view text, size_t width, size_t indent);

// printf's "%.*f".
std::string Fixed(double value, int digits);

// "1 thread", "2 threads"
std::string Counted(int64_t count, std::string_view noun);

// "1.25 GiB"
std::string SizeText(double bytes);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_TEXT_H_
