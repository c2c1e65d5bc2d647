#include "tokenizer/split_behavior.h"

#include <algorithm>

namespace braid {

namespace {

// Joins each span to the one before it where joins(before, span) says so.
template <class Joins>
void JoinForward(std::vector<Span>& spans, const Joins& joins) {
  size_t kept = 0;
  bool previous_match = false;
  for (size_t i = 0; i < spans.size(); ++i) {
    const Span span = spans[i];
    if (kept > 0 && joins(previous_match, span.is_match)) {
      spans[kept - 1].end = span.end;
    } else {
      spans[kept++] = span;
    }
    previous_match = span.is_match;
  }
  spans.resize(kept);
}

// Joins each match to the span behind it, which is no match.
void JoinBackward(std::vector<Span>& spans) {
  size_t kept = spans.size();  // [kept, end) are done
  bool next_match = false;
  for (size_t i = spans.size(); i-- > 0;) {
    const Span span = spans[i];
    if (kept < spans.size() && span.is_match && !next_match) {
      spans[kept].begin = span.begin;
    } else {
      spans[--kept] = span;
    }
    next_match = span.is_match;
  }
  spans.erase(spans.begin(), spans.begin() + static_cast<std::ptrdiff_t>(kept));
}

}  // namespace

void ApplyBehavior(SplitBehavior behavior, std::vector<Span>& spans) {
  switch (behavior) {
    case SplitBehavior::kRemoved:
      std::erase_if(spans, [](const Span& span) { return span.is_match; });
      break;
    case SplitBehavior::kIsolated:
      break;
    case SplitBehavior::kMergedWithPrevious:
      JoinForward(spans,
                  [](bool before, bool match) { return match && !before; });
      break;
    case SplitBehavior::kMergedWithNext:
      JoinBackward(spans);
      break;
    case SplitBehavior::kContiguous:
      JoinForward(spans,
                  [](bool before, bool match) { return match == before; });
      break;
  }
}

}  // namespace braid
