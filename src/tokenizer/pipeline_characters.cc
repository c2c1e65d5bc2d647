#include <algorithm>

#include "tokenizer/pipeline_tables.h"
#include "tokenizer/unicode_tables.h"

namespace braid {

namespace {

// nullptr if no range holds the character.
template <class Range>
const Range* FindRange(std::span<const Range> ranges, uint32_t code_point) {
  const auto found =
      std::ranges::lower_bound(ranges, code_point, {}, &Range::last);
  const bool holds = found != ranges.end() && found->first <= code_point;
  return holds ? &*found : nullptr;
}

}  // namespace

bool IsIn(std::span<const CodePointRange> ranges, uint32_t code_point) {
  return FindRange(ranges, code_point) != nullptr;
}

uint16_t ScriptOf(uint32_t code_point) {
  const ScriptRange* range = FindRange(pipeline_tables::kScripts, code_point);
  return range == nullptr ? 0 : range->script;
}

bool IsWhiteSpace(uint32_t code_point) {
  return (ClassOf(code_point) & kSpace) != 0;
}

}  // namespace braid
