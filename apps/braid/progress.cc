#include "apps/braid/progress.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "apps/braid/json_text.h"

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

}  // namespace

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
  constexpr int kWidth = 30;
  const int done = static_cast<int>(share * kWidth);
  std::string line = Format("{} [{}{}] {} %", task_, std::string(done, '#'),
                            std::string(kWidth - done, ' '), percent_);
  if (seconds > kQuietSeconds && share > 0) {
    line += Format(", {} left", TimeText(SecondsLeft(share, seconds)));
  }
  Draw(line);
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
