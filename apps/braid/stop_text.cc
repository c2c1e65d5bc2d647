#include "apps/braid/stop_text.h"

#include <algorithm>
#include <utility>

namespace braid::cli {

StopText::StopText(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase(stops_, "");
}

std::string StopText::Add(std::string_view piece) {
  if (stopped_) return "";
  std::string leading;
  if (!started_) {
    const size_t space =
        std::min(piece.find_first_not_of(" \t\r\n"), piece.size());
    leading = piece.substr(0, space);
    piece.remove_prefix(space);
    if (piece.empty()) return leading;
    started_ = true;
  }
  held_ += piece;

  size_t end = std::string::npos;
  for (const std::string& stop : stops_) end = std::min(end, held_.find(stop));
  if (end != std::string::npos) {
    stopped_ = true;
    return leading + std::exchange(held_, "").substr(0, end);
  }
  // The longest tail that begins some stop must wait.
  size_t wait = 0;
  for (const std::string& stop : stops_) {
    for (size_t n = std::min(held_.size(), stop.size() - 1); n > wait; --n) {
      if (held_.ends_with(std::string_view(stop).substr(0, n))) wait = n;
    }
  }
  const std::string certain = held_.substr(0, held_.size() - wait);
  held_.erase(0, certain.size());
  return leading + certain;
}

std::string StopText::Finish() {
  return stopped_ ? "" : std::exchange(held_, "");
}

}  // namespace braid::cli
