#include "apps/braid/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace braid::cli {

int EditDistance(std::string_view a, std::string_view b) {
  // Rows i - 2, i - 1 and i of the table "distance of the first i letters of a
  // from the first j of b".
  std::vector<int> row_before_last;
  std::vector<int> last_row(b.size() + 1);
  std::iota(last_row.begin(), last_row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<int> row(b.size() + 1);
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int replaced = last_row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last_row[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], row_before_last[j - 2] + 1);
      }
    }
    row_before_last = std::exchange(last_row, std::move(row));
  }
  return last_row.back();
}

std::string Nearest(std::string_view word, std::span<const std::string> known) {
  std::string nearest;
  int least = static_cast<int>(word.size() + 1) / 2 + 1;
  for (const std::string& candidate : known) {
    const int distance = EditDistance(word, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace braid::cli
