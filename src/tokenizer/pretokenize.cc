#include "tokenizer/pretokenize.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "base/check.h"
#include "tokenizer/split_steps.h"
#include "tokenizer/split_text.h"

namespace braid {

namespace {

using Emit = FunctionRef<void(std::string_view)>;

// Cuts a piece, which is not empty, into smaller ones.
using Stage = void (*)(std::string_view text, Emit emit);

// Both the matches of one of the expressions and the gaps between them are
// pieces.
template <auto match>
void AtMatches(std::string_view text, Emit emit) {
  size_t gap = 0;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = match(text, at);
    if (end == at) {
      at += CharacterAt(text, at).length;
      continue;
    }
    if (gap < at) emit(text.substr(gap, at - gap));
    emit(text.substr(at, end - at));
    at = gap = end;
  }
  if (gap < text.size()) emit(text.substr(gap));
}

// \s+$ (a stage and no expression: from the left it would look at every run of
// spaces as often as it is long)
void AtTrailingSpace(std::string_view text, Emit emit) {
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const Character character = CharacterAt(text, at);
    at += character.length;
    if (!character.Is(kSpace)) begin = at;
  }
  if (begin > 0) emit(text.substr(0, begin));
  if (begin < text.size()) emit(text.substr(begin));
}

bool IsDecimalDigit(const Character& c) {
  if (c.code_point < 0x80) return c.Is(kNumber);
  return c.Is(kNumber) &&
         utf8proc_category(static_cast<int32_t>(c.code_point)) ==
             UTF8PROC_CATEGORY_ND;
}

// \w: what a run of digits may not end before, to be cut by AtThrees.
bool IsWordCharacter(const Character& c) {
  return c.Is(kLetter | kMark) || IsDecimalDigit(c) ||
         utf8proc_category(static_cast<int32_t>(c.code_point)) ==
             UTF8PROC_CATEGORY_PC;
}

// Calls begin_group(offset, digits) for the groups of three that a run of
// digits has from the right; the first may have fewer.
template <class BeginGroup>
void ForEachGroup(std::string_view run, const BeginGroup& begin_group) {
  size_t digits = 0;
  for (size_t at = 0; at < run.size(); ++digits) {
    at += CharacterAt(run, at).length;
  }
  for (size_t at = 0; at < run.size(); --digits) {
    if (digits % 3 == 0 || at == 0) begin_group(at, digits % 3);
    at += CharacterAt(run, at).length;
  }
}

// \d{1,3}(?=(?:\d{3})*\b)
void AtThrees(std::string_view text, Emit emit) {
  size_t gap = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = SkipWhile(text, at, IsDecimalDigit);
    if (end == at) {
      at += CharacterAt(text, at).length;
      continue;
    }
    if (end == text.size() || !IsWordCharacter(CharacterAt(text, end))) {
      ForEachGroup(text.substr(at, end - at), [&](size_t offset, size_t) {
        if (gap < at + offset) emit(text.substr(gap, at + offset - gap));
        gap = at + offset;
      });
      emit(text.substr(gap, end - gap));
      gap = end;
    }
    at = end;
  }
  if (gap < text.size()) emit(text.substr(gap));
}

// (?=(\d{3})+(?!\d)): matches nothing, and so cuts only in front.
void BeforeThrees(std::string_view text, Emit emit) {
  size_t gap = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = SkipWhile(text, at, IsDecimalDigit);
    if (end == at) {
      at += CharacterAt(text, at).length;
      continue;
    }
    ForEachGroup(text.substr(at, end - at), [&](size_t offset, size_t missing) {
      const size_t begin = at + offset;
      if (missing > 0 || begin == gap) return;
      emit(text.substr(gap, begin - gap));
      gap = begin;
    });
    at = end;
  }
  if (gap < text.size()) emit(text.substr(gap));
}

constexpr Stage kGpt2Stages[] = {AtMatches<MatchGpt2>};
constexpr Stage kDigitsGpt2Stages[] = {AtMatches<MatchNumber>,
                                       AtMatches<MatchGpt2>};
constexpr Stage kDefaultStages[] = {
    AtMatches<MatchPunctuation>, AtMatches<MatchGpt2>, AtMatches<MatchNumbers>,
    AtMatches<MatchThreeDigits>};
constexpr Stage kFalconStages[] = {AtMatches<MatchFalconPunctuation>,
                                   AtMatches<MatchGpt2>,
                                   AtMatches<MatchThreeDigits>};
constexpr Stage kLlama3Stages[] = {AtMatches<MatchLlama3>};
constexpr Stage kQwen2Stages[] = {AtMatches<MatchQwen2>};
constexpr Stage kQwen35Stages[] = {AtMatches<MatchQwen35>};
constexpr Stage kSeedCoderStages[] = {AtMatches<MatchSeedCoder>};
constexpr Stage kGpt4oStages[] = {AtMatches<MatchGpt4o>};
constexpr Stage kTekkenStages[] = {AtMatches<MatchTekken>};
constexpr Stage kKimiK2Stages[] = {AtMatches<MatchKimiK2>};
constexpr Stage kTinyAyaStages[] = {AtThrees, AtMatches<MatchGpt4o>};
constexpr Stage kDeepseekLlmStages[] = {
    AtMatches<MatchNewline>,         AtMatches<MatchCasedLetters>,
    AtMatches<MatchDeepseekSymbols>, AtTrailingSpace,
    AtMatches<MatchEastAsian>,       AtMatches<MatchNumbers>};
constexpr Stage kDeepseekCoderStages[] = {
    AtMatches<MatchNewline>, AtMatches<MatchSpaceLetters>,
    AtMatches<MatchSpacePunctuation>, AtMatches<MatchEastAsian>,
    AtMatches<MatchNumber>};
constexpr Stage kDeepseekV3Stages[] = {AtMatches<MatchThreeNumbers>,
                                       AtMatches<MatchHanAndKana>,
                                       AtMatches<MatchDeepseekV3>};
constexpr Stage kBloomStages[] = {AtMatches<MatchBloom>};
constexpr Stage kVikingStages[] = {AtMatches<MatchBloom>,
                                   AtMatches<MatchNumber>};
constexpr Stage kSuperBpeStages[] = {AtMatches<MatchNumbers>, BeforeThrees};

std::span<const Stage> StagesOf(SplitRule rule) {
  switch (rule) {
    case SplitRule::kGpt2:
      return kGpt2Stages;
    case SplitRule::kDigitsGpt2:
      return kDigitsGpt2Stages;
    case SplitRule::kDefault:
      return kDefaultStages;
    case SplitRule::kFalcon:
      return kFalconStages;
    case SplitRule::kLlama3:
      return kLlama3Stages;
    case SplitRule::kQwen2:
      return kQwen2Stages;
    case SplitRule::kQwen35:
      return kQwen35Stages;
    case SplitRule::kSeedCoder:
      return kSeedCoderStages;
    case SplitRule::kGpt4o:
      return kGpt4oStages;
    case SplitRule::kTekken:
      return kTekkenStages;
    case SplitRule::kKimiK2:
      return kKimiK2Stages;
    case SplitRule::kTinyAya:
      return kTinyAyaStages;
    case SplitRule::kDeepseekLlm:
      return kDeepseekLlmStages;
    case SplitRule::kDeepseekCoder:
      return kDeepseekCoderStages;
    case SplitRule::kDeepseekV3:
      return kDeepseekV3Stages;
    case SplitRule::kBloom:
      return kBloomStages;
    case SplitRule::kViking:
      return kVikingStages;
    case SplitRule::kSuperBpe:
      return kSuperBpeStages;
  }
  BRAID_CHECK(false);
}

// Recurses once per stage: at most six deep.
void Apply(std::span<const Stage> stages, std::string_view text, Emit emit) {
  const Stage stage = stages.front();
  const std::span<const Stage> later = stages.subspan(1);
  if (later.empty()) return stage(text, emit);
  stage(text, [&](std::string_view piece) { Apply(later, piece, emit); });
}

}  // namespace

void SplitIntoPieces(SplitRule rule, std::string_view text, Emit emit) {
  if (!text.empty()) Apply(StagesOf(rule), text, emit);
}

}  // namespace braid
