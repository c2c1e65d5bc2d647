// How far a command is, and how long it will still take, on standard error.
#ifndef BRAID_APPS_BRAID_PROGRESS_H_
#define BRAID_APPS_BRAID_PROGRESS_H_

#include <string>

#include "apps/braid/console.h"
#include "apps/braid/flags.h"

namespace braid::cli {

enum class ProgressMode {
  kBar,   // a bar on a terminal, nothing elsewhere
  kJson,  // {"task", "done", "seconds", "seconds_left"}, a line per step
  kNone,
};

// "task [###   ] 50 %, 12 s left": the bar as wide as fits `columns` >= 20 less
// one, without it where too few are left. `share` is in [0, 1], `left` what
// stands behind the percents.
std::string BarText(const std::string& task, double share,
                    const std::string& left, size_t columns);

// --progress
void DeclareProgress(FlagTable& table, ProgressMode* mode);

// Where the bar stands on a terminal.
enum class ProgressPlace {
  kLine,   // on a line of its own
  kBelow,  // under a line of results that is not finished
};

// One task. The bar tells the time that is left once two seconds have passed,
// and is wiped at the end. Not thread-safe.
class Progress {
 public:
  Progress(std::string task, ProgressMode mode,
           ProgressPlace place = ProgressPlace::kLine);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `share` in [0, 1] is done. A step that does not move the bar by one percent
  // is not shown.
  void Show(double share);
  // Wipes the bar until the next Show: call it before something is printed.
  void Hide();

 private:
  // `text` where the bar is, up to the end of that line.
  void Draw(const std::string& text) const;
  void ShowBar(double share, double seconds);
  void ShowJson(double share, double seconds) const;

  const std::string task_;
  const ProgressMode mode_;
  const ProgressPlace place_;
  const Stopwatch watch_;
  int percent_ = -1;      // what was shown last
  bool visible_ = false;  // a bar
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_PROGRESS_H_
