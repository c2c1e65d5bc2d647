#include <algorithm>
#include <iterator>

#include "tokenizer/split_steps.h"
#include "tokenizer/split_text.h"

namespace braid {

namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// The letters that DeepSeek-LLM's tokenizer.json lists: those with case, of an
// older Unicode.
constexpr Range kCased[] = {
    {0x41, 0x5A},       {0x61, 0x7A},       {0xB5, 0xB5},
    {0xC0, 0xD6},       {0xD8, 0xF6},       {0xF8, 0x1BA},
    {0x1BC, 0x1BF},     {0x1C4, 0x293},     {0x295, 0x2AF},
    {0x370, 0x373},     {0x376, 0x376},     {0x377, 0x377},
    {0x37B, 0x37D},     {0x37F, 0x37F},     {0x386, 0x386},
    {0x388, 0x38A},     {0x38C, 0x38C},     {0x38E, 0x3A1},
    {0x3A3, 0x3F5},     {0x3F7, 0x481},     {0x48A, 0x52F},
    {0x531, 0x556},     {0x10A0, 0x10C5},   {0x13A0, 0x13F5},
    {0x13F8, 0x13FD},   {0x1C90, 0x1CBA},   {0x1CBD, 0x1CBF},
    {0x1D00, 0x1D2B},   {0x1D6B, 0x1D77},   {0x1D79, 0x1D9A},
    {0x1E00, 0x1F15},   {0x1F18, 0x1F1D},   {0x1F20, 0x1F45},
    {0x1F48, 0x1F4D},   {0x1F50, 0x1F57},   {0x1F59, 0x1F59},
    {0x1F5B, 0x1F5B},   {0x1F5D, 0x1F5D},   {0x1F5F, 0x1F7D},
    {0x1F80, 0x1FB4},   {0x1FB6, 0x1FBC},   {0x1FBE, 0x1FBE},
    {0x1FC2, 0x1FC4},   {0x1FC6, 0x1FCC},   {0x1FD0, 0x1FD3},
    {0x1FD6, 0x1FDB},   {0x1FE0, 0x1FEC},   {0x1FF2, 0x1FF4},
    {0x1FF6, 0x1FFC},   {0x2102, 0x2102},   {0x2107, 0x2107},
    {0x210A, 0x2113},   {0x2115, 0x2115},   {0x2119, 0x211D},
    {0x2124, 0x2124},   {0x2126, 0x2126},   {0x2128, 0x2128},
    {0x212A, 0x212D},   {0x212F, 0x2134},   {0x2139, 0x2139},
    {0x213C, 0x213F},   {0x2145, 0x2149},   {0x214E, 0x214E},
    {0x2183, 0x2183},   {0x2184, 0x2184},   {0x2C00, 0x2C7B},
    {0x2C7E, 0x2CE4},   {0x2CEB, 0x2CEE},   {0x2CF2, 0x2CF2},
    {0x2CF3, 0x2CF3},   {0xA640, 0xA66D},   {0xA680, 0xA69B},
    {0xA722, 0xA76F},   {0xA771, 0xA787},   {0xA78B, 0xA78E},
    {0xAB70, 0xABBF},   {0xFB00, 0xFB06},   {0xFB13, 0xFB17},
    {0xFF21, 0xFF3A},   {0xFF41, 0xFF5A},   {0x10400, 0x1044F},
    {0x104B0, 0x104D3}, {0x104D8, 0x104FB}, {0x10C80, 0x10CB2},
    {0x10CC0, 0x10CF2}, {0x118A0, 0x118DF}, {0x1E900, 0x1E943},
};

bool IsCased(const Character& character) {
  const Range* range = std::lower_bound(
      std::begin(kCased), std::end(kCased), character.code_point,
      [](const Range& r, uint32_t code_point) { return r.last < code_point; });
  return range != std::end(kCased) && character.code_point >= range->first;
}

bool IsDeepseekSymbol(const Character& c) {
  return c.IsBetween('!', '/') || c.IsBetween(':', '~') ||
         c.IsBetween(0xFF01, 0xFF0F) || c.IsBetween(0xFF1A, 0xFF5E) ||
         c.IsBetween(0x2018, 0x201F) || c.IsBetween(0x3000, 0x3002);
}

// Where BLOOM's expression ends a piece.
bool IsBloomWord(const Character& c) {
  if (c.Is(kSpace)) return false;
  if (c.code_point < 0x80) {
    return std::string_view("(|.,!?)").find(static_cast<char>(c.code_point)) ==
           std::string_view::npos;
  }
  for (const uint32_t end :
       {0x2026u, 0x3002u, 0xFF0Cu, 0x3001u, 0x964u, 0x6D4u, 0x60Cu}) {
    if (c.code_point == end) return false;
  }
  return true;
}

size_t MatchPunctuationOr(std::string_view symbols, std::string_view text,
                          size_t at) {
  return SkipWhile(text, at, [&](const Character& c) {
    return c.Is(kPunctuation) ||
           (c.code_point < 0x80 &&
            symbols.find(static_cast<char>(c.code_point)) !=
                std::string_view::npos);
  });
}

}  // namespace

size_t MatchNewline(std::string_view text, size_t at) {
  return IsNewline(text[at]) ? at + 1 : at;
}

size_t MatchNumber(std::string_view text, size_t at) {
  const Character character = CharacterAt(text, at);
  return character.Is(kNumber) ? at + character.length : at;
}

size_t MatchNumbers(std::string_view text, size_t at) {
  return SkipRun<kNumber>(text, at);
}

size_t MatchThreeNumbers(std::string_view text, size_t at) {
  for (int count = 0; count < 3 && at < text.size(); ++count) {
    const size_t next = MatchNumber(text, at);
    if (next == at) break;
    at = next;
  }
  return at;
}

size_t MatchThreeDigits(std::string_view text, size_t at) {
  const std::string_view digits = text.substr(at, 3);
  const bool matches =
      digits.size() == 3 &&
      digits.find_first_not_of("0123456789") == std::string_view::npos;
  return matches ? at + 3 : at;
}

size_t MatchPunctuation(std::string_view text, size_t at) {
  return MatchPunctuationOr("$+<=>^~|", text, at);
}

size_t MatchFalconPunctuation(std::string_view text, size_t at) {
  return MatchPunctuationOr("$+<=>^~|`", text, at);
}

size_t MatchSpaceLetters(std::string_view text, size_t at) {
  return SkipSpaceAnd(text, at,
                      [](const Character& c) { return c.Is(kLetter); });
}

size_t MatchSpacePunctuation(std::string_view text, size_t at) {
  return SkipSpaceAnd(text, at,
                      [](const Character& c) { return c.Is(kPunctuation); });
}

size_t MatchCasedLetters(std::string_view text, size_t at) {
  return SkipSpaceAnd(text, at, IsCased);
}

size_t MatchDeepseekSymbols(std::string_view text, size_t at) {
  // U+3000 is white space and a symbol: it may begin the run by itself.
  const size_t end = SkipSpaceAnd(text, at, IsDeepseekSymbol);
  return end > at ? end : SkipWhile(text, at, IsDeepseekSymbol);
}

size_t MatchEastAsian(std::string_view text, size_t at) {
  return SkipWhile(text, at, [](const Character& c) {
    return c.IsBetween(0x800, 0x9FA5) || c.IsBetween(0xAC00, 0xD7FF);
  });
}

size_t MatchHanAndKana(std::string_view text, size_t at) {
  return SkipWhile(text, at, [](const Character& c) {
    return c.IsBetween(0x4E00, 0x9FA5) || c.IsBetween(0x3040, 0x30FF);
  });
}

size_t MatchBloom(std::string_view text, size_t at) {
  const size_t begin = text[at] == ' ' ? at + 1 : at;
  const size_t end = SkipWhile(text, begin, IsBloomWord);
  return end > begin ? end : at;
}

}  // namespace braid
