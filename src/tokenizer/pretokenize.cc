#include "tokenizer/pretokenize.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "tokenizer/unicode_tables.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

// Where the match that begins at `at` ends; `at` itself if nothing matches.
// `text` is the piece: lookaheads see no further. at < text.size().
using Step = size_t (*)(std::string_view text, size_t at);

struct Character {
  uint32_t length;
  CharClass kind;

  bool Is(CharClass classes) const { return (kind & classes) != 0; }
};

Character CharacterAt(std::string_view text, size_t at) {
  const uint8_t byte = static_cast<uint8_t>(text[at]);
  if (byte < 0x80) return {1, unicode_tables::kAscii[byte]};
  const Utf8Char decoded = DecodeUtf8(text, at);
  return {decoded.length, ClassOf(decoded.code_point)};
}

// The end of the longest run of characters, from `at` on, of which
// (class & classes) != 0 is `wanted`.
template <CharClass classes, bool wanted = true>
size_t SkipRun(std::string_view text, size_t at) {
  while (at < text.size()) {
    const Character character = CharacterAt(text, at);
    if (character.Is(classes) != wanted) break;
    at += character.length;
  }
  return at;
}

bool IsNewline(char byte) { return byte == '\r' || byte == '\n'; }

constexpr CharClass kWordOrSpace = kLetter | kNumber | kSpace;

// A run of white space.
struct SpaceRun {
  size_t end;
  size_t last;           // where its last character begins
  size_t after_newline;  // behind its last CR or LF; 0 if it has none
};

SpaceRun SpaceRunAt(std::string_view text, size_t at) {
  SpaceRun run = {at, at, 0};
  while (run.end < text.size()) {
    const Character character = CharacterAt(text, run.end);
    if (!character.Is(kSpace)) break;
    run.last = run.end;
    run.end += character.length;
    if (IsNewline(text[run.last])) run.after_newline = run.end;
  }
  return run;
}

// \s+(?!\S): all of the run at the end of the piece, else all but its last
// character.
size_t EndBeforeWord(const SpaceRun& run, std::string_view text) {
  return run.end == text.size() ? run.end : run.last;
}

// 's|'t|'re|'ve|'m|'ll|'d
size_t MatchContraction(std::string_view text, size_t at) {
  if (text[at] != '\'') return at;
  const std::string_view rest = text.substr(at + 1, 2);
  if (rest == "re" || rest == "ve" || rest == "ll") return at + 3;
  if (!rest.empty() &&
      std::string_view("stmd").find(rest[0]) != std::string_view::npos) {
    return at + 2;
  }
  return at;
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)
size_t MatchContractionAnyCase(std::string_view text, size_t at) {
  if (text[at] != '\'') return at;
  // U+017F, the long s, is an s under Unicode's case folding.
  if (text.substr(at + 1, 2) == "\u017F") return at + 3;
  char lowered[3] = {'\''};
  size_t length = 1;
  for (; length < 3 && at + length < text.size(); ++length) {
    const char byte = text[at + length];
    lowered[length] =
        byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte;
  }
  return at + MatchContraction({lowered, length}, 0);
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)
size_t MatchGpt2(std::string_view text, size_t at) {
  const size_t contraction = MatchContraction(text, at);
  if (contraction > at) return contraction;

  const size_t word = text[at] == ' ' && at + 1 < text.size() ? at + 1 : at;
  const Character first = CharacterAt(text, word);
  const size_t rest = word + first.length;
  if (first.Is(kLetter)) return SkipRun<kLetter>(text, rest);
  if (first.Is(kNumber)) return SkipRun<kNumber>(text, rest);
  if (!first.Is(kSpace)) return SkipRun<kWordOrSpace, false>(text, rest);
  return EndBeforeWord(SpaceRunAt(text, at), text);
}

// CI|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|
// \s*[\r\n]+|\s+(?!\S)|\s+  where CI is MatchContractionAnyCase, and
// max_digits stands for the 3.
template <int max_digits>
size_t MatchLlama3(std::string_view text, size_t at) {
  const size_t contraction = MatchContractionAnyCase(text, at);
  if (contraction > at) return contraction;

  const Character first = CharacterAt(text, at);
  size_t next = at + first.length;
  if (first.Is(kLetter)) return SkipRun<kLetter>(text, next);
  if (first.Is(kNumber)) {
    for (int digits = 1; digits < max_digits && next < text.size(); ++digits) {
      const Character digit = CharacterAt(text, next);
      if (!digit.Is(kNumber)) break;
      next += digit.length;
    }
    return next;
  }
  if (next < text.size() && !IsNewline(text[at])) {
    const Character second = CharacterAt(text, next);
    if (second.Is(kLetter)) {
      return SkipRun<kLetter>(text, next + second.length);
    }
  }

  const size_t symbols = text[at] == ' ' ? at + 1 : at;
  size_t end = SkipRun<kWordOrSpace, false>(text, symbols);
  if (end > symbols) {
    while (end < text.size() && IsNewline(text[end])) ++end;
    return end;
  }

  const SpaceRun run = SpaceRunAt(text, at);
  if (run.after_newline > 0) return run.after_newline;
  const size_t before_word = EndBeforeWord(run, text);
  return before_word > at ? before_word : run.end;
}

// \p{N}
size_t MatchNumber(std::string_view text, size_t at) {
  const Character character = CharacterAt(text, at);
  return character.Is(kNumber) ? at + character.length : at;
}

// \p{N}+
size_t MatchNumbers(std::string_view text, size_t at) {
  return SkipRun<kNumber>(text, at);
}

// [\p{P}\$\+<=>\^~\|]+
size_t MatchPunctuation(std::string_view text, size_t at) {
  while (at < text.size()) {
    const Character character = CharacterAt(text, at);
    const bool matches =
        character.Is(kPunctuation) ||
        std::string_view("$+<=>^~|").find(text[at]) != std::string_view::npos;
    if (!matches) break;
    at += character.length;
  }
  return at;
}

// [0-9][0-9][0-9]
size_t MatchThreeDigits(std::string_view text, size_t at) {
  const std::string_view digits = text.substr(at, 3);
  const bool matches =
      digits.size() == 3 &&
      digits.find_first_not_of("0123456789") == std::string_view::npos;
  return matches ? at + 3 : at;
}

constexpr Step kGpt2Steps[] = {MatchGpt2};
constexpr Step kDigitsGpt2Steps[] = {MatchNumber, MatchGpt2};
constexpr Step kDefaultSteps[] = {MatchPunctuation, MatchGpt2, MatchNumbers,
                                  MatchThreeDigits};
constexpr Step kLlama3Steps[] = {MatchLlama3<3>};
constexpr Step kQwen2Steps[] = {MatchLlama3<1>};

std::span<const Step> StepsOf(SplitRule rule) {
  switch (rule) {
    case SplitRule::kGpt2:
      return kGpt2Steps;
    case SplitRule::kDigitsGpt2:
      return kDigitsGpt2Steps;
    case SplitRule::kDefault:
      return kDefaultSteps;
    case SplitRule::kLlama3:
      return kLlama3Steps;
    case SplitRule::kQwen2:
      return kQwen2Steps;
  }
  BRAID_CHECK(false);
}

// Recurses once per step: at most four deep.
void Apply(std::span<const Step> steps, std::string_view text,
           FunctionRef<void(std::string_view)> emit) {
  if (steps.empty()) return emit(text);
  const Step match = steps.front();
  const std::span<const Step> later = steps.subspan(1);
  size_t gap = 0;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = match(text, at);
    if (end == at) {
      at += CharacterAt(text, at).length;
      continue;
    }
    if (gap < at) Apply(later, text.substr(gap, at - gap), emit);
    Apply(later, text.substr(at, end - at), emit);
    at = gap = end;
  }
  if (gap < text.size()) Apply(later, text.substr(gap), emit);
}

}  // namespace

void SplitIntoPieces(SplitRule rule, std::string_view text,
                     FunctionRef<void(std::string_view)> emit) {
  Apply(StepsOf(rule), text, emit);
}

}  // namespace braid
