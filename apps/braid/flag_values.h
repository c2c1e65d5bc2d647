// Text of a flag -> value. Every error says what was found and what is
// expected; the caller puts the flag's name before it.
#ifndef BRAID_APPS_BRAID_FLAG_VALUES_H_
#define BRAID_APPS_BRAID_FLAG_VALUES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"

namespace braid::cli {

// An inclusive range.
template <class T>
struct Range {
  T low;
  T high;
};

// A decimal integer with an optional minus, all of `text`.
Result<int64_t> ParseInteger(std::string_view text, Range<int64_t> range);

// Integers and ranges separated by commas, at least one. A range is FIRST-LAST,
// FIRST-LAST+STEP or FIRST-LAST*FACTOR: "16-128*2" is 16,32,64,128.
Result<std::vector<int>> ParseIntegers(std::string_view text, Range<int> range);

// A finite decimal number, all of `text`.
Result<float> ParseNumber(std::string_view text, Range<double> range);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_FLAG_VALUES_H_
