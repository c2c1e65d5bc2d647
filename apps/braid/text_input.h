// Text of files and of standard input, whatever program wrote it.
//
// Text is UTF-8, or UTF-16 of either byte order if it begins with a byte order
// mark; lines end in LF or CRLF. What is read is UTF-8 without a mark, and
// lines end in LF. Unicode 15.0, sections 2.13 and 3.10.
#ifndef BRAID_APPS_BRAID_TEXT_INPUT_H_
#define BRAID_APPS_BRAID_TEXT_INPUT_H_

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"

namespace braid::cli {

// The whole of a file, or of standard input for "-", byte for byte. Errors name
// the file.
Result<std::string> ReadBytes(const std::string& path);

// The same of a text, as above. What was not UTF-8 with LF already is said on
// standard error.
Result<std::string> ReadText(const std::string& path);

struct PlainText {
  std::string text;
  // What `bytes` were if not plain UTF-8 with LF: "UTF-16, little-endian, with
  // CRLF".
  std::string was;
};
// Error: UTF-16 that ends within a character or has half a surrogate pair;
// UTF-32.
Result<PlainText> ToPlainText(std::string_view bytes);

// Lines without their ends, empty ones too. A line break at the end of the text
// begins no further line.
std::vector<std::string> SplitLines(std::string_view text);

// The lines of a text that is still being written, each as soon as it is there:
// of a terminal or a pipe. Not thread-safe.
class LineReader {
 public:
  // `file` must outlive this.
  explicit LineReader(std::FILE* file) : file_(file) {}

  // Without its end; empty at the end of the text. Errors: as ToPlainText, and
  // the system's.
  Result<std::optional<std::string>> Next();

 private:
  // Reads as far as a byte order mark goes.
  void Begin();
  // The next byte, or EOF.
  int Byte();
  // Appends the bytes of the next line, its LF included, to `bytes`.
  void ReadLine(std::string& bytes);

  std::FILE* const file_;
  bool begun_ = false;
  std::string mark_;     // of UTF-16: the two bytes
  std::string pending_;  // read to look for a mark, and was none
  size_t taken_ = 0;     // of `pending_`
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_TEXT_INPUT_H_
