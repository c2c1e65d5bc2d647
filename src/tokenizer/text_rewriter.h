// TextRewriter: what SentencePiece makes of a text before it cuts it:
// characters are rewritten by the model's map, spaces become U+2581 and may be
// squeezed, and one is put before the text or behind it.
//
// Source: sentencepiece_model.proto (NormalizerSpec, and of TrainerSpec
// treat_whitespace_as_suffix); the order of the steps is that of the package
// `sentencepiece` 0.2.3.
#ifndef BRAID_SRC_TOKENIZER_TEXT_REWRITER_H_
#define BRAID_SRC_TOKENIZER_TEXT_REWRITER_H_

#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/spec.h"
#include "tokenizer/vocabulary.h"

namespace braid {

// Immutable; every method may be called from any thread.
class TextRewriter {
 public:
  // What holds where the file does not say it, or cannot.
  struct Defaults {
    bool squeezes = true;  // remove_extra_whitespaces
    // Do bytes that are no UTF-8 become U+FFFD? If not, they stay.
    bool replaces_broken = true;
  };

  // Copies what it needs; a space is added where the file does not say it.
  // Errors: those of CharsMap::Make and ByteTrie::Make.
  static Result<TextRewriter> Make(const TokenizerSpec& spec,
                                   const Vocabulary& vocabulary,
                                   const Defaults& defaults);

  // Replaces the contents of `out`. White space is what the map makes a space
  // of: without a map, a tab or a newline stays what it is.
  void Rewrite(std::string_view text, std::string& out) const;

  // The longest user-defined piece (Vocabulary::is_symbol) that a text begins
  // with, rewritten or not: such texts are not rewritten, but for their spaces.
  ByteTrie::Match Symbol(std::string_view text) const {
    return has_symbols_ ? symbols_.Longest(text) : ByteTrie::Match();
  }
  bool has_symbols() const { return has_symbols_; }
  bool escapes_spaces() const { return escapes_spaces_; }

  // For VocabularyTokenizer::TrimStart: `text` is that of `last`, a token of
  // the vocabulary that Make was given.
  bool TrimStart(const Vocabulary& vocabulary, TokenId last,
                 std::string& text) const;

 private:
  TextRewriter(const TokenizerSpec& spec, const Vocabulary& vocabulary,
               const Defaults& defaults, CharsMap map, ByteTrie symbols);

  CharsMap::Match Next(std::string_view text) const;
  void AppendRewritten(std::string_view text, std::string& out) const;

  CharsMap map_;
  ByteTrie symbols_;
  bool has_symbols_;
  bool adds_space_;
  bool space_is_suffix_;
  bool escapes_spaces_;
  bool squeezes_;
  bool replaces_broken_;
  bool only_escapes_;  // nothing but spaces is rewritten
  std::string_view space_;
  // By token: does its piece begin with a space mark? Filled where a space in a
  // decoded text may be none.
  std::vector<bool> marked_;
};

// The entries of a trie of user-defined pieces.
std::vector<ByteTrie::Entry> SymbolEntries(const SentencePieceRules& rules,
                                           const Vocabulary& vocabulary);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_TEXT_REWRITER_H_
