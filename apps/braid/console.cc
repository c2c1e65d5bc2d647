#include "apps/braid/console.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/format.h"
#include "base/output_file.h"
#include "base/try.h"

namespace braid::cli {

namespace {

// False if nobody reads it.
bool WriteOut(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EPIPE) {
      return false;
    } else if (errno != EINTR) {
      Note(Format("braid: standard output: {}\n", std::strerror(errno)));
      std::_Exit(1);
    }
  }
  return true;
}

size_t Columns(int descriptor) {
  winsize size = {};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return 80;
  }
  return std::clamp<size_t>(size.ws_col, 20, 120);
}

}  // namespace

void Print(std::string_view text) {
  if (!WriteOut(text)) std::_Exit(0);
}

void PrintBesideFile(std::string_view text) { WriteOut(text); }

void Note(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void NoteAll(std::span<const std::string> notices) {
  for (const std::string& notice : notices) Note(Format("{}\n", notice));
}

bool OutputIsTerminal() { return ::isatty(STDOUT_FILENO) != 0; }
bool ErrorsAreTerminal() { return ::isatty(STDERR_FILENO) != 0; }

size_t OutputColumns() { return Columns(STDOUT_FILENO); }
size_t ErrorColumns() { return Columns(STDERR_FILENO); }

void ReserveStandardStreams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) != -1) continue;
    // The lowest number that is free, which is this one. Writing what is to be
    // read and reading what is to be written fails as a closed stream does.
    ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

Status CheckWritable(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;
  if (!folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
    return Error{Format("{}: there is no folder {}", path, folder.string())};
  }
  BRAID_ASSIGN(const OutputFile file, OutputFile::Create(path));
  return {};
}

void OrderedOutput::Finish(int number, std::string text) {
  texts_[number] = std::move(text);
  for (; next_ < texts_.size() && texts_[next_]; ++next_) {
    Print(*texts_[next_]);
    texts_[next_]->clear();
  }
}

}  // namespace braid::cli
