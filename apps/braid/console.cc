#include "apps/braid/console.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/format.h"

namespace braid::cli {

void Print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EPIPE) {
      std::_Exit(0);
    } else if (errno != EINTR) {
      Note(Format("braid: standard output: {}\n", std::strerror(errno)));
      std::_Exit(1);
    }
  }
}

void Note(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

bool OutputIsTerminal() { return ::isatty(STDOUT_FILENO) != 0; }
bool ErrorsAreTerminal() { return ::isatty(STDERR_FILENO) != 0; }

void OrderedOutput::Finish(int number, std::string text) {
  texts_[number] = std::move(text);
  for (; next_ < texts_.size() && texts_[next_]; ++next_) {
    Print(*texts_[next_]);
    texts_[next_]->clear();
  }
}

ProgressBar::ProgressBar(std::string title)
    : title_(std::move(title)), visible_(ErrorsAreTerminal()) {}

ProgressBar::~ProgressBar() {
  // Carriage return, erase to the end of the line (ECMA-48 EL).
  if (visible_ && percent_ >= 0) Note("\r\x1b[K");
}

void ProgressBar::Show(double share) {
  const int percent =
      static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * 100));
  if (!visible_ || percent == percent_) return;
  percent_ = percent;
  constexpr int kWidth = 30;
  const int done = percent * kWidth / 100;
  Note(Format("\r{} [{}{}] {} %", title_, std::string(done, '#'),
              std::string(kWidth - done, ' '), percent));
}

}  // namespace braid::cli
