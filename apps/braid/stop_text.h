// StopText: ends a growing text at the first of some given texts.
#ifndef BRAID_APPS_BRAID_STOP_TEXT_H_
#define BRAID_APPS_BRAID_STOP_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace braid::cli {

// White space that a text starts with is not searched: a model may well put a
// line break before its answer. Not thread-safe.
class StopText {
 public:
  // Empty stops are ignored.
  explicit StopText(std::vector<std::string> stops);

  // Takes the next piece; gives the text that is certainly before any stop.
  // What may be the start of one is held back.
  std::string Add(std::string_view piece);
  // Gives what is still held back: call once, at the end.
  std::string Finish();

  // A stop was found: it and all after it are dropped.
  bool stopped() const { return stopped_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool started_ = false;  // something other than white space was seen
  bool stopped_ = false;
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_STOP_TEXT_H_
