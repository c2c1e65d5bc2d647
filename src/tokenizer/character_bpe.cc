#include "tokenizer/character_bpe.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "tokenizer/byte_fallback.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/merge_loop.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocabulary_tokenizer.h"

namespace braid {

namespace {

// Positions inside a piece are 32-bit: a longer piece is cut here.
constexpr size_t kLongestPiece = size_t{1} << 30;

// The end of the line, or of the run of newlines, at `at`.
size_t LineEnd(std::string_view text, size_t at) {
  const size_t end =
      text[at] == '\n' ? text.find_first_not_of('\n', at) : text.find('\n', at);
  return std::min({end, text.size(), at + kLongestPiece});
}

class CharacterBpeTokenizer : public VocabularyTokenizer {
 public:
  CharacterBpeTokenizer(Vocabulary vocabulary, MergeTable merges,
                        const TokenizerSpec& spec)
      : VocabularyTokenizer(std::move(vocabulary), spec.add_bos.value_or(true),
                            spec.add_eos.value_or(false)),
        merges_(std::move(merges)),
        fallback_(this->vocabulary()) {}

 private:
  void EncodeFragments(std::span<const Fragment> fragments,
                       std::vector<TokenId>& tokens) const override {
    MergeLoop loop;
    std::string line;
    for (const Fragment& fragment : fragments) {
      if (fragment.token != kNoToken) {
        tokens.push_back(fragment.token);
        continue;
      }
      for (size_t at = 0; at < fragment.text.size();) {
        const size_t end = LineEnd(fragment.text, at);
        line.clear();
        for (; at < end; ++at) {
          if (fragment.text[at] == ' ') {
            line += kSpaceMark;
          } else {
            line += fragment.text[at];
          }
        }
        EncodeLine(line, loop, tokens);
      }
    }
  }

  void EncodeLine(std::string_view line, MergeLoop& loop,
                  std::vector<TokenId>& tokens) const {
    // A run of newlines that is a token is taken whole, whatever the merges.
    const TokenId whole = line[0] == '\n' ? vocabulary().Find(line) : kNoToken;
    if (whole != kNoToken) {
      tokens.push_back(whole);
      return;
    }
    std::vector<Symbol>& symbols = loop.symbols();
    symbols.clear();
    for (uint32_t at = 0; at < line.size();) {
      const uint32_t length = DecodeUtf8(line, at).length;
      symbols.push_back({at, length, FindNormal(line.substr(at, length))});
      at += length;
    }
    loop.Run([this](const Symbol& left, const Symbol& right) {
      return merges_.Find(left.token, right.token);
    });
    for (const Symbol& symbol : symbols) {
      if (symbol.token != kNoToken) {
        tokens.push_back(symbol.token);
      } else {
        fallback_.Append(line.substr(symbol.begin, symbol.length), tokens);
      }
    }
  }

  TokenId FindNormal(std::string_view character) const {
    const TokenId token = vocabulary().Find(character);
    const bool normal =
        token != kNoToken && vocabulary().type(token) == TokenType::kNormal;
    return normal ? token : kNoToken;
  }

  void AppendBytes(TokenId token, std::string& text) const override {
    AppendPieceText(vocabulary(), token, text);
  }

  MergeTable merges_;
  ByteFallback fallback_;
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakeCharacterBpeTokenizer(
    const TokenizerSpec& spec) {
  BRAID_ASSIGN(Vocabulary vocabulary, Vocabulary::Make(spec));
  BRAID_ASSIGN(MergeTable merges, MakeMergeTable(spec.merges, vocabulary));
  return std::unique_ptr<Tokenizer>(std::make_unique<CharacterBpeTokenizer>(
      std::move(vocabulary), std::move(merges), spec));
}

}  // namespace braid
