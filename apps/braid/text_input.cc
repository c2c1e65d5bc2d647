#include "apps/braid/text_input.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>

#include "apps/braid/console.h"
#include "apps/braid/text.h"
#include "base/format.h"
#include "base/try.h"
#include "tokenizer/utf8.h"

namespace braid::cli {

namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::string_view kLittleMark = "\xFF\xFE";
constexpr std::string_view kBigMark = "\xFE\xFF";
constexpr std::string_view kLittleMark32{"\xFF\xFE\0\0", 4};
constexpr std::string_view kBigMark32{"\0\0\xFE\xFF", 4};

constexpr uint32_t kHighSurrogates = 0xD800;
constexpr uint32_t kLowSurrogates = 0xDC00;
constexpr uint32_t kAfterSurrogates = 0xE000;

Error CannotRead(const std::string& path) {
  return Error{Format("{}: {}", path, std::strerror(errno))};
}

uint32_t CodeUnit(std::string_view bytes, size_t at, bool little) {
  const auto first = static_cast<unsigned char>(bytes[at]);
  const auto second = static_cast<unsigned char>(bytes[at + 1]);
  return little ? first | second << 8 : second | first << 8;
}

// `bytes` without the mark.
Result<std::string> FromUtf16(std::string_view bytes, bool little) {
  if (bytes.size() % 2 != 0) {
    return Error{
        Format("the text is UTF-16 and has {} bytes behind its byte "
               "order mark: half a character is missing",
               bytes.size())};
  }
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 2) {
    uint32_t character = CodeUnit(bytes, at, little);
    if (character >= kHighSurrogates && character < kAfterSurrogates) {
      const uint32_t low =
          at + 2 < bytes.size() ? CodeUnit(bytes, at + 2, little) : 0;
      if (character >= kLowSurrogates || low < kLowSurrogates ||
          low >= kAfterSurrogates) {
        return Error{
            Format("the text is UTF-16 and has half a surrogate pair "
                   "at byte {} behind its byte order mark",
                   at)};
      }
      character = 0x10000 + ((character - kHighSurrogates) << 10) +
                  (low - kLowSurrogates);
      at += 2;
    }
    AppendUtf8(character, text);
  }
  return text;
}

// "a\r\nb" -> "a\nb"; true if there was one.
bool DropCarriageReturns(std::string& text) {
  size_t end = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    text[end++] = text[i];
  }
  const bool dropped = end < text.size();
  text.resize(end);
  return dropped;
}

}  // namespace

Result<std::string> ReadBytes(const std::string& path) {
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
  if (std::ferror(file) != 0) {
    return CannotRead(path == "-" ? "standard input" : path);
  }
  return text;
}

Result<std::string> ReadText(const std::string& path) {
  const std::string name = path == "-" ? "standard input" : path;
  BRAID_ASSIGN(const std::string bytes, ReadBytes(path));
  Result<PlainText> plain = ToPlainText(bytes);
  if (!plain.ok()) {
    return Error{Format("{}: {}", name, plain.error().message)};
  }
  if (!plain->was.empty()) {
    Note(Format("{}: {}; read as UTF-8 with LF\n", name, plain->was));
  }
  return std::move(plain->text);
}

Result<PlainText> ToPlainText(std::string_view bytes) {
  // UTF-16 would need a text that begins with NUL to look like this.
  if (bytes.starts_with(kLittleMark32) || bytes.starts_with(kBigMark32)) {
    return Error{"the text is UTF-32; expected UTF-8 or UTF-16"};
  }
  PlainText plain;
  std::vector<std::string> was;
  const bool little = bytes.starts_with(kLittleMark);
  if (little || bytes.starts_with(kBigMark)) {
    BRAID_ASSIGN(plain.text,
                 FromUtf16(bytes.substr(kLittleMark.size()), little));
    was.push_back(Format("UTF-16, {}-endian", little ? "little" : "big"));
  } else if (bytes.starts_with(kUtf8Mark)) {
    plain.text = bytes.substr(kUtf8Mark.size());
    was.emplace_back("UTF-8 with a byte order mark");
  } else {
    plain.text = bytes;
  }
  if (DropCarriageReturns(plain.text)) was.emplace_back("CRLF at line ends");
  plain.was = Joined(was, ", ");
  return plain;
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Result<std::optional<std::string>> LineReader::Next() {
  if (!begun_) Begin();
  std::string bytes;
  errno = 0;
  ReadLine(bytes);
  if (std::ferror(file_) != 0) return CannotRead("standard input");
  if (bytes.empty()) return std::optional<std::string>();
  if (!mark_.empty()) {
    BRAID_ASSIGN(bytes, FromUtf16(bytes, mark_ == kLittleMark));
  }
  if (bytes.ends_with('\n')) bytes.pop_back();
  if (bytes.ends_with('\r')) bytes.pop_back();
  return std::optional(std::move(bytes));
}

void LineReader::Begin() {
  begun_ = true;
  // One byte at a time: somebody who types waits after a line that is shorter
  // than a mark.
  for (const std::string_view mark : {kUtf8Mark, kLittleMark, kBigMark}) {
    while (pending_.size() < mark.size() && mark.starts_with(pending_)) {
      const int byte = std::getc(file_);
      if (byte == EOF) return;
      pending_ += static_cast<char>(byte);
    }
    if (pending_ != mark) continue;
    if (mark != kUtf8Mark) mark_ = mark;
    pending_.clear();
    return;
  }
}

int LineReader::Byte() {
  if (taken_ < pending_.size()) {
    return static_cast<unsigned char>(pending_[taken_++]);
  }
  return std::getc(file_);
}

void LineReader::ReadLine(std::string& bytes) {
  const size_t unit = mark_.empty() ? 1 : 2;
  while (true) {
    for (size_t i = 0; i < unit; ++i) {
      const int byte = Byte();
      if (byte == EOF) return;
      bytes += static_cast<char>(byte);
    }
    const std::string_view last =
        std::string_view(bytes).substr(bytes.size() - unit);
    if (unit == 1 ? last[0] == '\n'
                  : CodeUnit(last, 0, mark_ == kLittleMark) == '\n') {
      return;
    }
  }
}

}  // namespace braid::cli
