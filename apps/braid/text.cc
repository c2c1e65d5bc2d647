#include "apps/braid/text.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "base/format.h"

namespace braid::cli {

std::string Joined(std::span<const std::string> words,
                   std::string_view between) {
  std::string text;
  for (const std::string& word : words) {
    if (&word != &words.front()) text += between;
    text += word;
  }
  return text;
}

std::vector<std::string> Split(std::string_view text,
                               std::string_view separator) {
  std::vector<std::string> pieces;
  while (true) {
    const size_t end = text.find(separator);
    pieces.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + separator.size());
  }
}

std::vector<NumberedLine> SplitNumberedLines(std::string_view text) {
  std::vector<NumberedLine> lines;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) lines.push_back({number, line});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string Wrapped(std::string_view text, size_t width, size_t indent) {
  std::string lines;
  size_t used = 0;
  while (!text.empty()) {
    const size_t blank = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, blank);
    if (used > 0 && used + 1 + word.size() > width) {
      lines += Format("\n{}", std::string(indent, ' '));
      used = 0;
    } else if (used > 0) {
      lines += ' ';
      ++used;
    }
    lines += word;
    used += word.size();
    text.remove_prefix(std::min(blank + 1, text.size()));
  }
  return lines;
}

std::string Fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string Counted(int64_t count, std::string_view noun) {
  return Format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string SizeText(double bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  return Format("{} {}", Fixed(bytes, unit == 0 ? 0 : 2), kUnits[unit]);
}

}  // namespace braid::cli
