#include "apps/braid/known_flags.h"

#include <algorithm>
#include <limits>

#include "apps/braid/console.h"

namespace braid::cli {

namespace {

// "0.00" is 0, too.
bool IsNumber(std::string_view text, std::string_view expected) {
  constexpr double kMost = std::numeric_limits<float>::max();
  const Result<float> number = ParseNumber(text, {-kMost, kMost});
  const Result<float> wanted = ParseNumber(expected, {-kMost, kMost});
  return number.ok() && wanted.ok() && *number == *wanted;
}

Status TakeKnownFlag(const KnownFlag& flag, std::string_view value) {
  if (flag.verdict == Verdict::kNotApplicable) {
    Note(Format("note: {} has no effect: {}\n", flag.names, flag.remark));
    return {};
  }
  if (!flag.neutral.empty() && IsNumber(value, flag.neutral)) return {};
  return Error{std::string(flag.remark)};
}

}  // namespace

void AddKnownFlags(std::string_view command, FlagTable& table) {
  for (const KnownFlagGroup& group : KnownFlagGroups()) {
    if (std::ranges::count(group.commands, command) == 0) continue;
    for (const KnownFlag& flag : group.flags) {
      const bool taken = std::ranges::any_of(
          Split(flag.names, ", "),
          [&](const std::string& name) { return table.Has(name); });
      if (taken || flag.verdict == Verdict::kSupported) continue;
      table.Foreign(
          flag.names, std::string(flag.value),
          [&flag](std::string_view v) { return TakeKnownFlag(flag, v); });
    }
  }
}

}  // namespace braid::cli
