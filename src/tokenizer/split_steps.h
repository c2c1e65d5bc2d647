// The expressions that pre-tokenizers are put together from, as functions: each
// returns where the match that begins at text[at] ends, or `at` if there is
// none. `text` is the piece: lookaheads see no further. at < text.size().
//
// Names of parts: CI is (?i:'s|'t|'re|'ve|'m|'ll|'d); SPACES is
// \s*[\r\n]+|\s+(?!\S)|\s+; UPPER is [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]; LOWER is
// [\p{Ll}\p{Lm}\p{Lo}\p{M}].
#ifndef BRAID_SRC_TOKENIZER_SPLIT_STEPS_H_
#define BRAID_SRC_TOKENIZER_SPLIT_STEPS_H_

#include <cstddef>
#include <string_view>

namespace braid {

// Words: split_words.cc.

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)
size_t MatchGpt2(std::string_view text, size_t at);
// CI|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|SPACES
size_t MatchLlama3(std::string_view text, size_t at);
// The same with \p{N} for \p{N}{1,3}.
size_t MatchQwen2(std::string_view text, size_t at);
// CI|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|
// SPACES
size_t MatchQwen35(std::string_view text, size_t at);
// MatchQwen2's with ` ?[^\s\p{L}\p{N}\r\n]+` for symbols.
size_t MatchSeedCoder(std::string_view text, size_t at);
// [!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|
//  ?[\p{P}\p{S}]+[\r\n]*|SPACES
size_t MatchDeepseekV3(std::string_view text, size_t at);
// CI alone, and SPACES alone.
size_t MatchContractionAnyCase(std::string_view text, size_t at);
size_t MatchSpaces(std::string_view text, size_t at);

// Words by case: split_cased_words.cc.

// [^\r\n\p{L}\p{N}]?UPPER*LOWER+CI?|[^\r\n\p{L}\p{N}]?UPPER+LOWER*CI?|
// \p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|SPACES
size_t MatchGpt4o(std::string_view text, size_t at);
// The same without CI?, and \p{N} for \p{N}{1,3}.
size_t MatchTekken(std::string_view text, size_t at);
// \p{Han}+| and MatchGpt4o's, with [\r\n]* behind symbols and no character of
// \p{Han} in UPPER and LOWER.
size_t MatchKimiK2(std::string_view text, size_t at);

// Runs: split_runs.cc.

size_t MatchNewline(std::string_view text, size_t at);       // [\r\n]
size_t MatchNumber(std::string_view text, size_t at);        // \p{N}
size_t MatchNumbers(std::string_view text, size_t at);       // \p{N}+
size_t MatchThreeNumbers(std::string_view text, size_t at);  // \p{N}{1,3}
// [0-9][0-9][0-9]
size_t MatchThreeDigits(std::string_view text, size_t at);
// [\p{P}\$\+<=>\^~\|]+
size_t MatchPunctuation(std::string_view text, size_t at);
// [\p{P}\$\+<=>\^~\|`]+
size_t MatchFalconPunctuation(std::string_view text, size_t at);
// \s?\p{L}+
size_t MatchSpaceLetters(std::string_view text, size_t at);
// \s?\p{P}+
size_t MatchSpacePunctuation(std::string_view text, size_t at);
// \s?[CASED]+ with the letters that DeepSeek-LLM's tokenizer.json lists
size_t MatchCasedLetters(std::string_view text, size_t at);
// \s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+
size_t MatchDeepseekSymbols(std::string_view text, size_t at);
// [\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+
size_t MatchEastAsian(std::string_view text, size_t at);
// [\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+
size_t MatchHanAndKana(std::string_view text, size_t at);
//  ?[^(\s|.,!?…。，、।۔،)]+
size_t MatchBloom(std::string_view text, size_t at);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_SPLIT_STEPS_H_
