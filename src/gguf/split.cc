#include "gguf/split.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "gguf/conversion.h"

namespace braid::gguf {

namespace {

constexpr size_t kDigits = 5;

Result<std::optional<int64_t>> FindInt(const Part& part, std::string_view key) {
  for (const KeyValue& kv : part.metadata) {
    if (kv.key != key) continue;
    BRAID_ASSIGN(const int64_t number, ToInt(kv.key, kv.value));
    return std::optional<int64_t>(number);
  }
  return std::optional<int64_t>();
}

}  // namespace

bool IsSplitKey(std::string_view key) {
  return key == kSplitNumberKey || key == kSplitCountKey ||
         key == kSplitTensorsKey;
}

std::string SplitSuffix(size_t number, size_t count) {
  const auto digits = [](size_t value) {
    const std::string text = std::to_string(value);
    return std::string(kDigits - text.size(), '0') + text;
  };
  return Format("-{}-of-{}.gguf", digits(number + 1), digits(count));
}

Result<Split> ReadSplit(const Part& part) {
  BRAID_ASSIGN(const auto number, FindInt(part, kSplitNumberKey));
  BRAID_ASSIGN(const auto count, FindInt(part, kSplitCountKey));
  BRAID_ASSIGN(const auto tensors, FindInt(part, kSplitTensorsKey));
  Split split;
  // Some writers put split.count = 0 into files that are not split.
  if (!count.has_value() || *count == 0) return split;
  if (*count < 0 || std::cmp_greater(*count, kMaxSplitParts)) {
    return Error{Format("key {}: {} parts, expected 1 to {}", kSplitCountKey,
                        *count, kMaxSplitParts)};
  }
  split.count = *count;
  split.number = number.value_or(0);
  if (split.number < 0 || split.number >= split.count) {
    return Error{Format("key {}: part {}, expected 0 to {}", kSplitNumberKey,
                        split.number, split.count - 1)};
  }
  split.tensors = tensors;
  return split;
}

Result<std::string> SplitPath(const std::string& first_path, int64_t number,
                              int64_t count) {
  const auto parts = static_cast<size_t>(count);
  const std::string first_suffix = SplitSuffix(0, parts);
  if (!first_path.ends_with(first_suffix)) {
    return Error{
        Format("{}: is the first of {} parts, so its name must end in "
               "{}",
               first_path, count, first_suffix)};
  }
  return first_path.substr(0, first_path.size() - first_suffix.size()) +
         SplitSuffix(static_cast<size_t>(number), parts);
}

Status CheckNotSource(const std::string& first_path, size_t parts,
                      const std::string& target) {
  for (size_t part = 0; part < parts; ++part) {
    std::string source = first_path;
    if (parts > 1) {
      BRAID_ASSIGN(source, SplitPath(first_path, static_cast<int64_t>(part),
                                     static_cast<int64_t>(parts)));
    }
    std::error_code ignored;
    if (!std::filesystem::equivalent(source, target, ignored)) continue;
    return Error{Format("{} is the source and would be written over", source)};
  }
  return {};
}

}  // namespace braid::gguf
