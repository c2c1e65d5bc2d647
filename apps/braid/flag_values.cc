#include "apps/braid/flag_values.h"

#include <charconv>
#include <cmath>

#include "base/format.h"
#include "base/try.h"

namespace braid::cli {

namespace {

template <class T>
Error NotIn(std::string_view text, const char* problem, Range<T> range) {
  return Error{Format("'{}' is {}; expected {} to {}", text, problem, range.low,
                      range.high)};
}

}  // namespace

Result<int64_t> ParseInteger(std::string_view text, Range<int64_t> range) {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec == std::errc::result_out_of_range) {
    return NotIn(text, "out of range", range);
  }
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return NotIn(text, "not an integer", range);
  }
  if (value < range.low || value > range.high) {
    return NotIn(text, "out of range", range);
  }
  return value;
}

Result<std::vector<int>> ParseIntegers(std::string_view text,
                                       Range<int> range) {
  std::vector<int> values;
  while (true) {
    const size_t comma = text.find(',');
    BRAID_ASSIGN(const int64_t value,
                 ParseInteger(text.substr(0, comma), {range.low, range.high}));
    values.push_back(static_cast<int>(value));
    if (comma == std::string_view::npos) return values;
    text.remove_prefix(comma + 1);
  }
}

Result<float> ParseNumber(std::string_view text, Range<double> range) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec == std::errc::invalid_argument || parsed.ptr != end) {
    return NotIn(text, "not a number", range);
  }
  // Also false for NaN.
  const bool inside = value >= range.low && value <= range.high;
  if (parsed.ec != std::errc() || !inside) {
    return NotIn(text, "out of range", range);
  }
  return static_cast<float>(value);
}

}  // namespace braid::cli
