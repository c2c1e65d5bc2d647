#include "apps/braid/prompts.h"

#include <charconv>

#include "apps/braid/text_input.h"

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

}  // namespace

void PromptFlags::Declare(FlagTable& table) {
  table.Group("Prompt")
      .Texts("-p, --prompt", "TEXT", "a prompt", &texts)
      .Text("-f, --file", "FILE",
            "a text file that is one prompt, but for a line break at its end; "
            "UTF-8 or UTF-16; - is standard input",
            &file)
      .Text("-bf, --binary-file", "FILE",
            "a file that is one prompt, byte for byte", &binary_file)
      .Switch("--per-line", "every line of -f is a prompt, empty ones too",
              &per_line)
      .Toggle("-e, --escape",
              "process \\n, \\t, \\\", \\\\, \\xHH in -p and in the lines of "
              "--per-line",
              &escape);
}

Result<std::vector<Prompt>> PromptFlags::Read() const {
  if (per_line && file.empty()) return Error{"--per-line is for -f FILE"};
  const auto processed = [this](const std::string& text) {
    return escape ? ProcessEscapes(text) : text;
  };
  std::vector<Prompt> prompts;
  for (const std::string& text : texts) {
    prompts.push_back({.text = processed(text), .where = ""});
  }
  if (!binary_file.empty()) {
    BRAID_ASSIGN(std::string text, ReadBytes(binary_file));
    prompts.push_back({.text = std::move(text), .where = binary_file});
  }
  if (file.empty()) return prompts;
  BRAID_ASSIGN(std::string text, ReadText(file));
  if (per_line) {
    const std::vector<std::string> lines = SplitLines(text);
    if (lines.empty()) return Error{Format("{}: has no lines", file)};
    for (size_t i = 0; i < lines.size(); ++i) {
      prompts.push_back({.text = processed(lines[i]),
                         .where = Format("{}, line {}", file, i + 1)});
    }
  } else {
    // Editors end a file with a line break that no prompt should end with.
    if (text.ends_with('\n')) text.pop_back();
    prompts.push_back({.text = std::move(text), .where = file});
  }
  return prompts;
}

std::string PromptName(size_t number, const Prompt& prompt) {
  if (prompt.where.empty()) return Format("prompt {}", number + 1);
  return Format("prompt {} ({})", number + 1, prompt.where);
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

}  // namespace braid::cli
