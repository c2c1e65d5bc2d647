#include "tokenizer/split_steps.h"
#include "tokenizer/split_text.h"

namespace braid {

namespace {

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

size_t SkipNewlines(std::string_view text, size_t at) {
  while (at < text.size() && IsNewline(text[at])) ++at;
  return at;
}

// CI|[^\r\n\p{L}\p{N}]?[WORD]+|\p{N}{1,max_digits}| ?[^\s WORD \p{N}]+NL|SPACES
// where NL is [\r\n]* or, without `take_newlines`, nothing.
template <CharClass word, int max_digits, bool take_newlines>
size_t MatchWord(std::string_view text, size_t at) {
  const size_t contraction = MatchContractionAnyCase(text, at);
  if (contraction > at) return contraction;

  const Character first = CharacterAt(text, at);
  size_t next = at + first.length;
  if (first.Is(word)) return SkipRun<word>(text, next);
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
    if (second.Is(word)) return SkipRun<word>(text, next + second.length);
  }

  const size_t symbols = text[at] == ' ' ? at + 1 : at;
  const size_t end = SkipRun<word | kNumber | kSpace, false>(text, symbols);
  if (end > symbols) return take_newlines ? SkipNewlines(text, end) : end;
  return MatchSpaces(text, at);
}

bool IsAsciiLetter(const Character& character) {
  return character.code_point < 0x80 && character.Is(kLetter);
}

}  // namespace

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

size_t MatchSpaces(std::string_view text, size_t at) {
  const SpaceRun run = SpaceRunAt(text, at);
  if (run.after_newline > 0) return run.after_newline;
  const size_t before_word = EndBeforeWord(run, text);
  return before_word > at ? before_word : run.end;
}

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

size_t MatchLlama3(std::string_view text, size_t at) {
  return MatchWord<kLetter, 3, true>(text, at);
}

size_t MatchQwen2(std::string_view text, size_t at) {
  return MatchWord<kLetter, 1, true>(text, at);
}

size_t MatchQwen35(std::string_view text, size_t at) {
  return MatchWord<kLetter | kMark, 1, true>(text, at);
}

size_t MatchSeedCoder(std::string_view text, size_t at) {
  return MatchWord<kLetter, 1, false>(text, at);
}

size_t MatchDeepseekV3(std::string_view text, size_t at) {
  constexpr CharClass kWord = kLetter | kMark;
  constexpr CharClass kSymbols = kPunctuation | kSymbol;
  const Character first = CharacterAt(text, at);
  const size_t next = at + first.length;
  if (first.code_point < 0x80 && first.Is(kSymbols)) {
    const size_t end = SkipWhile(text, next, IsAsciiLetter);
    if (end > next) return end;
  }
  if (first.Is(kWord)) return SkipRun<kWord>(text, next);
  if (!first.Is(kSymbols) && !IsNewline(text[at])) {
    const size_t end = SkipRun<kWord>(text, next);
    if (end > next) return end;
  }

  const size_t symbols = text[at] == ' ' ? at + 1 : at;
  const size_t end = SkipRun<kSymbols>(text, symbols);
  return end > symbols ? SkipNewlines(text, end) : MatchSpaces(text, at);
}

}  // namespace braid
