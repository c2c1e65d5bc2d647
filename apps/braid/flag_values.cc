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

namespace {

// More values than this are a slip of the keyboard.
constexpr size_t kMostValues = 4096;

// One part of a list: N, FIRST-LAST, FIRST-LAST+STEP or FIRST-LAST*FACTOR.
Status AppendIntegers(std::string_view text, Range<int> range,
                      std::vector<int>& values) {
  const size_t dash = text.find('-', 1);
  if (dash == std::string_view::npos) {
    BRAID_ASSIGN(const int64_t value,
                 ParseInteger(text, {range.low, range.high}));
    values.push_back(static_cast<int>(value));
    return {};
  }
  const size_t sign = text.find_first_of("+*", dash);
  BRAID_ASSIGN(const int64_t first,
               ParseInteger(text.substr(0, dash), {range.low, range.high}));
  BRAID_ASSIGN(const int64_t last,
               ParseInteger(text.substr(dash + 1, sign - dash - 1),
                            {range.low, range.high}));
  if (last < first) {
    return Error{Format("'{}' ends before it begins", text)};
  }
  const bool multiply = sign != std::string_view::npos && text[sign] == '*';
  int64_t step = 1;
  if (sign != std::string_view::npos) {
    BRAID_ASSIGN(
        step, ParseInteger(text.substr(sign + 1), {multiply ? 2 : 1, 1 << 30}));
  }
  if (multiply && first < 1) {
    return Error{Format("'{}' never leaves {}", text, first)};
  }
  for (int64_t value = first; value <= last;
       value = multiply ? value * step : value + step) {
    if (values.size() == kMostValues) {
      return Error{Format("'{}' has more than {} values", text, kMostValues)};
    }
    values.push_back(static_cast<int>(value));
  }
  return {};
}

}  // namespace

Result<std::vector<int>> ParseIntegers(std::string_view text,
                                       Range<int> range) {
  std::vector<int> values;
  while (true) {
    const size_t comma = text.find(',');
    BRAID_TRY(AppendIntegers(text.substr(0, comma), range, values));
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
