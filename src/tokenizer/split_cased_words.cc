#include <algorithm>
#include <array>
#include <iterator>

#include "tokenizer/split_steps.h"
#include "tokenizer/split_text.h"

namespace braid {

namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// \p{Han} of Unicode 14 (Scripts.txt).
constexpr Range kHan[] = {
    {0x2E80, 0x2E99},   {0x2E9B, 0x2EF3},   {0x2F00, 0x2FD5},
    {0x3005, 0x3005},   {0x3007, 0x3007},   {0x3021, 0x3029},
    {0x3038, 0x303B},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},
    {0xF900, 0xFA6D},   {0xFA70, 0xFAD9},   {0x16FE2, 0x16FE3},
    {0x16FF0, 0x16FF1}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B738},
    {0x2B740, 0x2B81D}, {0x2B820, 0x2CEA1}, {0x2CEB0, 0x2EBE0},
    {0x2F800, 0x2FA1D}, {0x30000, 0x3134A},
};

bool IsHan(const Character& character) {
  if (character.code_point < kHan[0].first) return false;
  const Range* range = std::lower_bound(
      std::begin(kHan), std::end(kHan), character.code_point,
      [](const Range& r, uint32_t code_point) { return r.last < code_point; });
  return range != std::end(kHan) && character.code_point >= range->first;
}

// How the three expressions differ.
struct Flavor {
  bool contractions;
  int max_digits;
  std::string_view behind_symbols;
  bool han_apart;
};

// In UPPER, in LOWER; a letter without case and a mark are in both.
struct Sides {
  bool upper;
  bool lower;
};

template <Flavor const& flavor>
Sides SidesOf(const Character& character) {
  if (!character.Is(kLetter | kMark)) return {false, false};
  if (flavor.han_apart && IsHan(character)) return {false, false};
  return {!character.Is(kLowerCase), !character.Is(kUpperCase)};
}

// The end of UPPER*LOWER+, or else of UPPER+LOWER*, if there is a match.
struct WordEnds {
  size_t lower;  // of the first; 0: no match
  size_t upper;  // of the second; 0: no match
};

template <Flavor const& flavor>
WordEnds EndsAt(std::string_view text, size_t begin) {
  size_t at = begin;
  // UPPER* takes all it can; LOWER+ then needs one character, if need be the
  // last one of those that is in both.
  size_t behind_both = 0;
  while (at < text.size()) {
    const Character character = CharacterAt(text, at);
    const Sides sides = SidesOf<flavor>(character);
    if (!sides.upper) break;
    at += character.length;
    if (sides.lower) behind_both = at;
  }
  const size_t end = SkipWhile(text, at, [](const Character& character) {
    return SidesOf<flavor>(character).lower;
  });
  return {end > at ? end : behind_both, at > begin ? end : 0};
}

// The end of the word at `at`, of the first of the two expressions that
// matches, each with a character before the word if it can; 0 if none.
template <Flavor const& flavor>
size_t WordEnd(std::string_view text, size_t at) {
  const Character first = CharacterAt(text, at);
  const bool may_lead = !first.Is(kLetter | kNumber) && !IsNewline(text[at]);
  const WordEnds led =
      may_lead ? EndsAt<flavor>(text, at + first.length) : WordEnds{0, 0};
  if (led.lower > 0) return led.lower;
  const WordEnds plain = EndsAt<flavor>(text, at);
  if (plain.lower > 0) return plain.lower;
  return led.upper > 0 ? led.upper : plain.upper;
}

template <Flavor const& flavor>
size_t MatchCased(std::string_view text, size_t at) {
  if (flavor.han_apart) {
    const size_t han = SkipWhile(text, at, IsHan);
    if (han > at) return han;
  }
  const size_t word = WordEnd<flavor>(text, at);
  if (word > 0) {
    return flavor.contractions && word < text.size()
               ? MatchContractionAnyCase(text, word)
               : word;
  }

  size_t number = at;
  for (int digits = 0; digits < flavor.max_digits && number < text.size();
       ++digits) {
    const size_t next = MatchNumber(text, number);
    if (next == number) break;
    number = next;
  }
  if (number > at) return number;

  const size_t symbols = text[at] == ' ' ? at + 1 : at;
  size_t end = SkipRun<kLetter | kNumber | kSpace, false>(text, symbols);
  if (end == symbols) return MatchSpaces(text, at);
  while (end < text.size() &&
         flavor.behind_symbols.find(text[end]) != std::string_view::npos) {
    ++end;
  }
  return end;
}

constexpr Flavor kGpt4o = {true, 3, "\r\n/", false};
constexpr Flavor kTekken = {false, 1, "\r\n/", false};
constexpr Flavor kKimiK2 = {true, 3, "\r\n", true};

}  // namespace

size_t MatchGpt4o(std::string_view text, size_t at) {
  return MatchCased<kGpt4o>(text, at);
}

size_t MatchTekken(std::string_view text, size_t at) {
  return MatchCased<kTekken>(text, at);
}

size_t MatchKimiK2(std::string_view text, size_t at) {
  return MatchCased<kKimiK2>(text, at);
}

}  // namespace braid
