#include "tokenizer/text_rewriter.h"

#include <utility>

#include "base/try.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

// Appends `text` with `space` for each space.
void AppendWithMarks(std::string_view text, std::string_view space,
                     std::string& out) {
  for (size_t at = text.find(' '); at != std::string_view::npos;
       at = text.find(' ')) {
    out += text.substr(0, at);
    out += space;
    text.remove_prefix(at + 1);
  }
  out += text;
}

}  // namespace

std::vector<ByteTrie::Entry> SymbolEntries(const SentencePieceRules& rules,
                                           const Vocabulary& vocabulary) {
  std::vector<ByteTrie::Entry> entries;
  for (size_t i = 0; i < rules.symbols.size(); ++i) {
    if (vocabulary.is_symbol(rules.symbols[i])) {
      entries.push_back({rules.symbol_texts[i], rules.symbols[i]});
    }
  }
  return entries;
}

Result<TextRewriter> TextRewriter::Make(const TokenizerSpec& spec,
                                        const Vocabulary& vocabulary,
                                        const Defaults& defaults) {
  BRAID_ASSIGN(CharsMap map, CharsMap::Make(spec.charsmap));
  BRAID_ASSIGN(ByteTrie symbols,
               ByteTrie::Make(SymbolEntries(spec.sentencepiece, vocabulary),
                              "braid.tokenizer.sentencepiece.user_defined"));
  return TextRewriter(spec, vocabulary, defaults, std::move(map),
                      std::move(symbols));
}

TextRewriter::TextRewriter(const TokenizerSpec& spec,
                           const Vocabulary& vocabulary,
                           const Defaults& defaults, CharsMap map,
                           ByteTrie symbols)
    : map_(std::move(map)),
      symbols_(std::move(symbols)),
      has_symbols_(!spec.sentencepiece.symbols.empty()),
      adds_space_(spec.add_space_prefix.value_or(true)),
      space_is_suffix_(spec.sentencepiece.space_is_suffix),
      escapes_spaces_(spec.sentencepiece.escapes_spaces),
      squeezes_(spec.remove_extra_whitespaces.value_or(defaults.squeezes)),
      replaces_broken_(defaults.replaces_broken),
      only_escapes_(spec.charsmap.empty() && !has_symbols_ && !squeezes_ &&
                    !replaces_broken_),
      space_(escapes_spaces_ ? kSpaceMark : std::string_view(" ")) {
  if (escapes_spaces_) return;
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    marked_.push_back(vocabulary.text(token).starts_with(kSpaceMark));
  }
  // The vocabulary has spaces for their marks.
  for (const auto& [text, token] :
       SymbolEntries(spec.sentencepiece, vocabulary)) {
    marked_[static_cast<size_t>(token)] = text.starts_with(kSpaceMark);
  }
}

void TextRewriter::Rewrite(std::string_view text, std::string& out) const {
  out.clear();
  while (squeezes_ && !text.empty()) {
    const CharsMap::Match first = Next(text);
    if (first.replacement != " ") break;
    text.remove_prefix(first.length);
  }
  if (text.empty()) return;

  if (adds_space_ && !space_is_suffix_) out += space_;
  if (only_escapes_) {
    AppendWithMarks(text, space_, out);
  } else {
    AppendRewritten(text, out);
  }
  while (squeezes_ && out.ends_with(space_)) {
    out.resize(out.size() - space_.size());
  }
  if (adds_space_ && space_is_suffix_) out += space_;
}

void TextRewriter::AppendRewritten(std::string_view text,
                                   std::string& out) const {
  bool after_space = squeezes_;
  while (!text.empty()) {
    const CharsMap::Match next = Next(text);
    text.remove_prefix(next.length);
    std::string_view written = next.replacement;
    while (after_space && written.starts_with(' ')) written.remove_prefix(1);
    if (written.empty()) continue;
    AppendWithMarks(written, space_, out);
    after_space = squeezes_ && written.ends_with(' ');
  }
}

// What the text begins with and what that becomes.
CharsMap::Match TextRewriter::Next(std::string_view text) const {
  if (const size_t length = Symbol(text).length; length > 0) {
    return {length, text.substr(0, length)};
  }
  const CharsMap::Match match = map_.Longest(text);
  if (match.length > 0) return match;
  const Utf8Char character = DecodeUtf8(text, 0);
  return {character.length, character.valid || !replaces_broken_
                                ? text.substr(0, character.length)
                                : std::string_view("\uFFFD")};
}

bool TextRewriter::TrimStart(const Vocabulary& vocabulary, TokenId last,
                             std::string& text) const {
  const TokenType type = vocabulary.type(last);
  if (type == TokenType::kByte || type == TokenType::kUnknown) return false;
  if (text.empty()) return true;
  const bool begins_with_mark =
      text.starts_with(' ') &&
      (escapes_spaces_ || marked_[static_cast<size_t>(last)]);
  if (begins_with_mark && (adds_space_ || squeezes_)) text.erase(0, 1);
  return squeezes_ && text.empty();
}

}  // namespace braid
