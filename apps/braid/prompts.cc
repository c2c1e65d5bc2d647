#include "apps/braid/prompts.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>

#include "apps/braid/text.h"

namespace braid::cli {

namespace {

// The byte that a character after a backslash stands for, or -1.
int SimpleEscape(char letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '0':
      return '\0';
    case '\\':
    case '\'':
    case '"':
      return letter;
    default:
      return -1;
  }
}

// Two hexadecimal digits at the start of `text`, or -1.
int HexByte(std::string_view text) {
  if (text.size() < 2) return -1;
  int value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + 2, value, 16);
  const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + 2;
  return whole && value >= 0 ? value : -1;
}

Error CannotRead(const std::string& path) {
  return Error{Format("{}: {}", path, std::strerror(errno))};
}

}  // namespace

void PromptFlags::Declare(FlagTable& table) {
  table.Group("Prompt")
      .Texts("-p, --prompt", "TEXT", "a prompt", &texts)
      .Text("-f, --file", "FILE",
            "a file that is one prompt, but for a line break at its end; - is "
            "standard input",
            &file)
      .Text("-bf, --binary-file", "FILE",
            "a file that is one prompt, byte for byte", &binary_file)
      .Switch("--per-line", "every line of -f is a prompt", &per_line)
      .Toggle("-e, --escape",
              "process \\n, \\t, \\\", \\\\, \\xHH in -p and in the lines of "
              "--per-line",
              &escape);
}

Result<std::vector<std::string>> PromptFlags::Read() const {
  const auto processed = [this](const std::string& text) {
    return escape ? ProcessEscapes(text) : text;
  };
  std::vector<std::string> prompts;
  for (const std::string& text : texts) prompts.push_back(processed(text));
  if (!binary_file.empty()) {
    BRAID_ASSIGN(std::string text, ReadText(binary_file));
    prompts.push_back(std::move(text));
  }
  if (file.empty()) return prompts;
  BRAID_ASSIGN(std::string text, ReadText(file));
  if (per_line) {
    for (const std::string& line : SplitLines(text)) {
      prompts.push_back(processed(line));
    }
  } else {
    // Editors end a file with a line break that no prompt should end with.
    if (text.ends_with('\n')) text.pop_back();
    prompts.push_back(std::move(text));
  }
  return prompts;
}

std::string ProcessEscapes(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      result += text[i];
      continue;
    }
    const int simple = SimpleEscape(text[i + 1]);
    const int hex = text[i + 1] == 'x' ? HexByte(text.substr(i + 2)) : -1;
    if (simple >= 0) {
      result += static_cast<char>(simple);
      i += 1;
    } else if (hex >= 0) {
      result += static_cast<char>(hex);
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

Result<std::string> ReadText(const std::string& path) {
  // Not a MappedFile: standard input and pipes are read as well.
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(nullptr, std::fclose);
  std::FILE* file = stdin;
  if (path != "-") {
    opened.reset(std::fopen(path.c_str(), "rb"));
    if (!opened) return CannotRead(path);
    file = opened.get();
  }
  std::string text;
  char buffer[1 << 16];
  while (const size_t read = std::fread(buffer, 1, sizeof buffer, file)) {
    text.append(buffer, read);
  }
  if (std::ferror(file) != 0) return CannotRead(path);
  return text;
}

}  // namespace braid::cli
