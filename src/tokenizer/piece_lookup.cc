#include "tokenizer/piece_lookup.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "tokenizer/byte_fallback.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/text_rewriter.h"
#include "tokenizer/text_table.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocabulary_tokenizer.h"

namespace braid {

namespace {

enum class Cut { kWords, kCharacters };

// The pieces that a part of a text may be, by their texts in the model.
Result<TextTable> MakePieces(const TokenizerSpec& spec,
                             const Vocabulary& vocabulary) {
  std::vector<std::string_view> texts = spec.tokens;
  std::vector<bool> found(texts.size(), false);
  for (size_t i = 0; i < texts.size(); ++i) {
    found[i] = vocabulary.type(static_cast<TokenId>(i)) == TokenType::kNormal;
  }
  for (const auto& [text, token] :
       SymbolEntries(spec.sentencepiece, vocabulary)) {
    texts[static_cast<size_t>(token)] = text;
    found[static_cast<size_t>(token)] = true;
  }
  return TextTable::Make(texts, found, "tokenizer.ggml.tokens");
}

class PieceLookupTokenizer : public VocabularyTokenizer {
 public:
  PieceLookupTokenizer(Cut cut, Vocabulary vocabulary, TextRewriter rewriter,
                       TextTable pieces, const TokenizerSpec& spec)
      : VocabularyTokenizer(std::move(vocabulary), spec.add_bos.value_or(false),
                            spec.add_eos.value_or(false)),
        cut_(cut),
        rewriter_(std::move(rewriter)),
        pieces_(std::move(pieces)),
        // A word of letters that are pieces is unknown all the same.
        fallback_(this->vocabulary(), FindNamedByteTokens(this->vocabulary())) {
  }

 private:
  void EncodeFragments(std::span<const Fragment> fragments,
                       std::vector<TokenId>& tokens) const override {
    std::string text;
    for (const Fragment& fragment : fragments) {
      if (fragment.token != kNoToken) {
        tokens.push_back(fragment.token);
      } else {
        rewriter_.Rewrite(fragment.text, text);
        EncodeRewritten(text, tokens);
      }
    }
  }

  void EncodeRewritten(std::string_view text,
                       std::vector<TokenId>& tokens) const {
    while (!text.empty()) {
      const std::string_view part = text.substr(0, PartLength(text));
      text.remove_prefix(part.size());
      const TokenId token = pieces_.Find(part);
      if (token != kNoToken) {
        tokens.push_back(token);
      } else {
        fallback_.Append(part, tokens);
      }
    }
  }

  // Of the first part. Each space mark begins a word.
  size_t PartLength(std::string_view text) const {
    if (cut_ == Cut::kWords) {
      return std::min(text.find(kSpaceMark, 1), text.size());
    }
    const size_t symbol = rewriter_.Symbol(text).length;
    return symbol > 0 ? symbol : DecodeUtf8(text, 0).length;
  }

  void AppendBytes(TokenId token, std::string& text) const override {
    AppendPieceText(vocabulary(), token, text);
  }

  bool TrimStart(TokenId last, std::string& text) const override {
    return rewriter_.TrimStart(vocabulary(), last, text);
  }

  Cut cut_;
  TextRewriter rewriter_;
  TextTable pieces_;
  ByteFallback fallback_;
};

Result<std::unique_ptr<Tokenizer>> Make(Cut cut, const TokenizerSpec& spec) {
  BRAID_ASSIGN(Vocabulary vocabulary, Vocabulary::Make(spec));
  BRAID_ASSIGN(TextRewriter rewriter, TextRewriter::Make(spec, vocabulary, {}));
  BRAID_ASSIGN(TextTable pieces, MakePieces(spec, vocabulary));
  return std::unique_ptr<Tokenizer>(std::make_unique<PieceLookupTokenizer>(
      cut, std::move(vocabulary), std::move(rewriter), std::move(pieces),
      spec));
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakeWordTokenizer(
    const TokenizerSpec& spec) {
  return Make(Cut::kWords, spec);
}

Result<std::unique_ptr<Tokenizer>> MakeCharacterTokenizer(
    const TokenizerSpec& spec) {
  return Make(Cut::kCharacters, spec);
}

}  // namespace braid
