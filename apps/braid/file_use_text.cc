#include "apps/braid/file_use_text.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "apps/braid/text.h"
#include "base/format.h"
#include "gguf/value.h"

namespace braid::cli {

namespace {

using Kind = FileUse::Kind;
using Parts = std::vector<FileUse::Part>;

constexpr size_t kMostBytes = 80;  // of a name

std::string CountedRead(const Parts& parts, std::string_view noun) {
  return Counted(std::ranges::count(parts, Kind::kRead, &FileUse::Part::kind),
                 noun);
}

std::string LeftOverLines(const Parts& parts, std::string_view noun) {
  std::string text;
  for (const FileUse::Part& part : parts) {
    if (part.kind != Kind::kLeftOver) continue;
    text += Format("  left over: {} {}\n", noun,
                   gguf::Quoted(part.name, kMostBytes));
  }
  return text;
}

// A vision tower has hundreds of tensors: one line for each reason.
std::string IgnoredLines(const Parts& parts, std::string_view noun) {
  struct Group {
    std::string_view reason;
    std::string_view first;
    int64_t count = 0;
  };
  std::vector<Group> groups;
  for (const FileUse::Part& part : parts) {
    if (part.kind != Kind::kIgnored) continue;
    auto group = std::ranges::find(groups, part.reason, &Group::reason);
    if (group == groups.end()) {
      group = groups.insert(groups.end(), {part.reason, part.name});
    }
    ++group->count;
  }
  std::string text;
  for (const Group& group : groups) {
    text +=
        Format("  ignored: {} {}", noun, gguf::Quoted(group.first, kMostBytes));
    if (group.count > 1) text += Format(" and {} more", group.count - 1);
    text += Format(": {}\n", group.reason);
  }
  return text;
}

}  // namespace

std::string FileUseText(const FileUse& use) {
  return Format("as a model of architecture {}: {} and {} are read\n",
                gguf::Quoted(use.architecture, kMostBytes),
                CountedRead(use.keys, "key"),
                CountedRead(use.tensors, "tensor")) +
         LeftOverLines(use.tensors, "tensor") + LeftOverLines(use.keys, "key") +
         IgnoredLines(use.tensors, "tensor") + IgnoredLines(use.keys, "key");
}

}  // namespace braid::cli
