#include "gguf/split.h"

#include <string_view>

#include "base/format.h"
#include "base/try.h"
#include "gguf/conversion.h"

namespace braid::gguf {

namespace {

constexpr std::string_view kNumberKey = "split.no";
constexpr std::string_view kCountKey = "split.count";
constexpr std::string_view kTensorsKey = "split.tensors.count";
constexpr int64_t kMaxParts = UINT16_MAX;  // the keys are u16
constexpr size_t kDigits = 5;

Result<std::optional<int64_t>> FindInt(const Part& part, std::string_view key) {
  for (const KeyValue& kv : part.metadata) {
    if (kv.key != key) continue;
    BRAID_ASSIGN(const int64_t number, ToInt(kv.key, kv.value));
    return std::optional<int64_t>(number);
  }
  return std::optional<int64_t>();
}

// "-00003-of-00005.gguf"; parts count from 1 in names.
std::string Suffix(int64_t number, int64_t count) {
  const auto digits = [](int64_t value) {
    const std::string text = std::to_string(value);
    return std::string(kDigits - text.size(), '0') + text;
  };
  return Format("-{}-of-{}.gguf", digits(number + 1), digits(count));
}

}  // namespace

Result<Split> ReadSplit(const Part& part) {
  BRAID_ASSIGN(const auto number, FindInt(part, kNumberKey));
  BRAID_ASSIGN(const auto count, FindInt(part, kCountKey));
  BRAID_ASSIGN(const auto tensors, FindInt(part, kTensorsKey));
  Split split;
  // Some writers put split.count = 0 into files that are not split.
  if (!count.has_value() || *count == 0) return split;
  if (*count < 0 || *count > kMaxParts) {
    return Error{Format("key {}: {} parts, expected 1 to {}", kCountKey, *count,
                        kMaxParts)};
  }
  split.count = *count;
  split.number = number.value_or(0);
  if (split.number < 0 || split.number >= split.count) {
    return Error{Format("key {}: part {}, expected 0 to {}", kNumberKey,
                        split.number, split.count - 1)};
  }
  split.tensors = tensors;
  return split;
}

Result<std::string> SplitPath(const std::string& first_path, int64_t number,
                              int64_t count) {
  const std::string first_suffix = Suffix(0, count);
  if (!first_path.ends_with(first_suffix)) {
    return Error{
        Format("{}: is the first of {} parts, so its name must end in "
               "{}",
               first_path, count, first_suffix)};
  }
  return first_path.substr(0, first_path.size() - first_suffix.size()) +
         Suffix(number, count);
}

}  // namespace braid::gguf
