#include "apps/braid/progress.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "apps/braid/json_text.h"
#include "tokenizer/utf8.h"

namespace braid::cli {

namespace {

// Before that an estimate says nothing.
constexpr double kQuietSeconds = 2;

// At the speed so far.
double SecondsLeft(double share, double seconds) {
  return share > 0 ? seconds * (1 - share) / share : 0;
}

// "48 s", "3 min 5 s"
std::string TimeText(double seconds) {
  const auto whole = static_cast<int64_t>(std::ceil(seconds));
  if (whole < 60) return Format("{} s", whole);
  return Format("{} min {} s", whole / 60, whole % 60);
}

// Not more than so many bytes, and no half character at the end.
std::string Cut(std::string text, size_t bytes) {
  if (text.size() <= bytes) return text;
  text.resize(bytes);
  text.resize(text.size() - UnfinishedUtf8(text));
  return text;
}

}  // namespace

std::string BarText(const std::string& task, double share,
                    const std::string& left, size_t columns) {
  constexpr size_t kWidest = 30;
  constexpr size_t kNarrowest = 5;
  const std::string percent =
      Format(" {} %", static_cast<int>(std::lround(share * 100)));
  // A terminal that fills its last column may begin a new line.
  const size_t room = columns - 1;
  const size_t around = task.size() + 3 + percent.size() + left.size();
  if (around + kNarrowest > room) {
    const std::string task_and_share =
        Cut(task, room - std::min(room, percent.size())) + percent;
    const bool fits = task_and_share.size() + left.size() <= room;
    return fits ? task_and_share + left : task_and_share;
  }
  const size_t width = std::min(kWidest, room - around);
  const auto done = static_cast<size_t>(share * static_cast<double>(width));
  return Format("{} [{}{}]{}{}", task, std::string(done, '#'),
                std::string(width - done, ' '), percent, left);
}

void DeclareProgress(FlagTable& table, ProgressMode* mode) {
  table.Choice("--progress", "MODE", "how far it is, on standard error", mode,
               {{"bar", ProgressMode::kBar},
                {"json", ProgressMode::kJson},
                {"none", ProgressMode::kNone}});
}

Progress::Progress(std::string task, ProgressMode mode, ProgressPlace place)
    : task_(std::move(task)),
      mode_(mode == ProgressMode::kBar && !ErrorsAreTerminal()
                ? ProgressMode::kNone
                : mode),
      place_(OutputIsTerminal() ? place : ProgressPlace::kLine) {}

Progress::~Progress() { Hide(); }

void Progress::Hide() {
  if (!visible_) return;
  Draw("");
  visible_ = false;
  percent_ = -1;
}

// Carriage return, text, erase to the end of the line (ECMA-48 EL). The line
// below is reached with IND, which scrolls where it must and keeps the column;
// DECSC and DECRC remember where the results go on (DEC VT100).
void Progress::Draw(const std::string& text) const {
  const bool below = place_ == ProgressPlace::kBelow;
  Note(Format("{}\r{}\x1b[K{}", below ? "\x1b\x44\x1b[A\x1b\x37\x1b[B" : "",
              text, below ? "\x1b\x38" : ""));
}

void Progress::Show(double share) {
  if (mode_ == ProgressMode::kNone) return;
  const double within = std::clamp(share, 0.0, 1.0);
  const int percent = static_cast<int>(std::lround(within * 100));
  if (percent == percent_) return;
  percent_ = percent;
  const double seconds = watch_.Seconds();
  if (mode_ == ProgressMode::kJson) {
    ShowJson(within, seconds);
  } else {
    ShowBar(within, seconds);
  }
}

void Progress::ShowBar(double share, double seconds) {
  std::string left;
  if (seconds > kQuietSeconds && share > 0) {
    left = Format(", {} left", TimeText(SecondsLeft(share, seconds)));
  }
  Draw(BarText(task_, share, left, ErrorColumns()));
  visible_ = true;
}

void Progress::ShowJson(double share, double seconds) const {
  Note(
      Format("{\"task\": {}, \"done\": {}, \"seconds\": {}, "
             "\"seconds_left\": {}}\n",
             JsonText(task_), Fixed(share, 4), Fixed(seconds, 3),
             Fixed(SecondsLeft(share, seconds), 3)));
}

}  // namespace braid::cli
