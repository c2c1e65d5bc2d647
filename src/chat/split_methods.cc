#include "chat/split_methods.h"

#include <algorithm>
#include <utility>

#include "base/format.h"
#include "base/try.h"

namespace braid::chat {

namespace {

using Pieces = std::vector<TextView>;

bool More(const Pieces& pieces, int64_t most) {
  return most < 0 || static_cast<int64_t>(pieces.size()) < most;
}

Pieces AtSpaces(TextView text, int64_t most) {
  Pieces pieces;
  while (true) {
    while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
    if (text.empty()) return pieces;
    if (!More(pieces, most)) break;
    const auto* end = std::find_if(text.begin(), text.end(), IsSpace);
    const auto length = static_cast<size_t>(end - text.begin());
    pieces.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  pieces.push_back(text);
  return pieces;
}

Pieces AtSpacesFromEnd(TextView text, int64_t most) {
  Pieces pieces;
  while (true) {
    while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
    if (text.empty()) return pieces;
    if (!More(pieces, most)) break;
    size_t begin = text.size();
    while (begin > 0 && !IsSpace(text[begin - 1])) --begin;
    pieces.push_back(text.substr(begin));
    text.remove_suffix(text.size() - begin);
  }
  pieces.push_back(text);
  return pieces;
}

Pieces AtSeparator(TextView text, TextView separator, int64_t most) {
  Pieces pieces;
  while (More(pieces, most)) {
    const size_t at = text.find(separator);
    if (at == TextView::npos) break;
    pieces.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  pieces.push_back(text);
  return pieces;
}

Pieces AtSeparatorFromEnd(TextView text, TextView separator, int64_t most) {
  Pieces pieces;
  while (More(pieces, most)) {
    const size_t at = text.rfind(separator);
    if (at == TextView::npos) break;
    pieces.push_back(text.substr(at + separator.size()));
    text.remove_suffix(text.size() - at);
  }
  pieces.push_back(text);
  return pieces;
}

}  // namespace

Result<Value> SplitText(Runtime& runtime, const Text& text,
                        const Text* separator, int64_t most, bool from_end) {
  if (separator != nullptr && separator->empty()) {
    return Error{"split: the separator is empty"};
  }
  BRAID_TRY(runtime.Spend(text.size() / 16));
  Pieces pieces;
  if (separator == nullptr) {
    pieces = from_end ? AtSpacesFromEnd(text, most) : AtSpaces(text, most);
  } else {
    pieces = from_end ? AtSeparatorFromEnd(text, *separator, most)
                      : AtSeparator(text, *separator, most);
  }
  if (from_end) std::reverse(pieces.begin(), pieces.end());
  Values values;
  for (const TextView piece : pieces) {
    BRAID_TRY(runtime.Spend(1));
    BRAID_ASSIGN(Value value, runtime.NewString(Text(piece)));
    values.push_back(std::move(value));
  }
  return runtime.NewList(std::move(values));
}

std::vector<Text> LinesOf(const Text& text, bool keep_ends) {
  std::vector<Text> lines;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = begin;
    while (end < text.size() && !IsLineEnd(text[end])) ++end;
    size_t next = std::min(end + 1, text.size());
    if (next < text.size() && CodePoint(text[end]) == '\r' &&
        CodePoint(text[next]) == '\n') {
      ++next;
    }
    lines.push_back(text.substr(begin, (keep_ends ? next : end) - begin));
    begin = next;
  }
  return lines;
}

Result<Text> Replaced(Runtime& runtime, const Text& text, const Text& before,
                      const Text& after, int64_t most) {
  BRAID_TRY(runtime.Spend(text.size() / 16));
  const auto limit = static_cast<size_t>(runtime.limits().characters);
  Text result;
  size_t at = 0;
  for (int64_t done = 0; most < 0 || done < most; ++done) {
    const size_t found = text.find(before, at);
    if (found == Text::npos) break;
    result.append(text, at, found - at);
    result += after;
    at = found + before.size();
    if (result.size() > limit) {
      return Error{Format("more than {} characters", limit)};
    }
    if (!before.empty()) continue;
    // The empty text is found once before every character and at the end.
    if (at == text.size()) return result;
    result.push_back(text[at++]);
  }
  return result.append(text, at, Text::npos);
}

}  // namespace braid::chat
