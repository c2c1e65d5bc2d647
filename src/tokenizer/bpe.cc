#include "tokenizer/bpe.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/bpe_profiles.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/merge_loop.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/normalize.h"
#include "tokenizer/text_table.h"
#include "tokenizer/vocabulary_tokenizer.h"

namespace braid {

namespace {

// Positions inside a piece are 32-bit: a longer piece is cut here.
constexpr size_t kLongestPiece = size_t{1} << 30;

// The texts of tokens as bytes, found if a text can become them.
Result<TextTable> MakePieces(const Vocabulary& vocabulary) {
  const size_t size = static_cast<size_t>(vocabulary.size());
  std::string bytes;
  std::vector<size_t> ends;
  std::vector<bool> findable(size, false);
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    const std::string_view text = vocabulary.text(token);
    const TokenType type = vocabulary.type(token);
    if (type == TokenType::kNormal) {
      findable[static_cast<size_t>(token)] = AppendBytesOf(text, bytes);
      // A text that spells no bytes is taken to be them.
      if (!findable[static_cast<size_t>(token)]) bytes += text;
    } else if (type == TokenType::kByte) {
      const auto byte = ParseByteToken(text);
      bytes += byte ? std::string(1, static_cast<char>(*byte)) : text;
    }
    ends.push_back(bytes.size());
  }

  std::vector<std::string_view> views;
  size_t begin = 0;
  for (const size_t end : ends) {
    views.push_back(std::string_view(bytes).substr(begin, end - begin));
    begin = end;
  }
  return TextTable::Make(views, findable, "tokenizer.ggml.tokens");
}

Status CheckMerges(const TokenizerSpec& spec, const Vocabulary& vocabulary,
                   const TextTable& pieces) {
  if (!spec.merges.empty()) return {};
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    const bool needs_merges = vocabulary.type(token) == TokenType::kNormal &&
                              pieces[token].size() > 1;
    if (!needs_merges) continue;
    return Error{
        Format("tokenizer.ggml.merges: absent, and without merges no text "
               "becomes token {} \"{}\"",
               token, Excerpt(vocabulary.text(token)))};
  }
  return {};
}

std::array<TokenId, 256> MakeByteTokens(const Vocabulary& vocabulary) {
  std::array<TokenId, 256> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    std::string text;
    AppendByteCharacter(static_cast<uint8_t>(byte), text);
    tokens[static_cast<size_t>(byte)] = vocabulary.Find(text);
  }
  return tokens;
}

class BpeTokenizer : public VocabularyTokenizer {
 public:
  BpeTokenizer(Vocabulary vocabulary, TextTable pieces, MergeTable merges,
               const BpeProfile& profile, const TokenizerSpec& spec)
      : VocabularyTokenizer(std::move(vocabulary),
                            spec.add_bos.value_or(profile.add_bos),
                            spec.add_eos.value_or(false)),
        rule_(profile.rule),
        nfc_(profile.nfc),
        pieces_(std::move(pieces)),
        merges_(std::move(merges)),
        byte_tokens_(MakeByteTokens(this->vocabulary())) {
    whole_.assign(static_cast<size_t>(pieces_.size()), true);
    if (!profile.ignore_merges) FindWholeTokens();
  }

 private:
  void EncodeFragments(std::span<const Fragment> fragments,
                       std::vector<TokenId>& tokens) const override {
    MergeLoop loop;
    std::string normalized;
    for (const Fragment& fragment : fragments) {
      if (fragment.token != kNoToken) {
        tokens.push_back(fragment.token);
        continue;
      }
      const std::string_view text =
          nfc_ ? NormalizeNfc(fragment.text, normalized) : fragment.text;
      SplitIntoPieces(rule_, text, [&](std::string_view piece) {
        EncodePiece(piece, loop, tokens);
      });
    }
  }

  void AppendBytes(TokenId token, std::string& text) const override {
    text += pieces_[token];
  }

  void EncodePiece(std::string_view piece, MergeLoop& loop,
                   std::vector<TokenId>& tokens) const {
    const TokenId whole = pieces_.Find(piece);
    if (whole != kNoToken && whole_[static_cast<size_t>(whole)]) {
      tokens.push_back(whole);
      return;
    }
    for (; piece.size() > kLongestPiece; piece.remove_prefix(kLongestPiece)) {
      MergePiece(piece.substr(0, kLongestPiece), loop, tokens);
    }
    MergePiece(piece, loop, tokens);
  }

  void MergePiece(std::string_view piece, MergeLoop& loop,
                  std::vector<TokenId>& tokens) const {
    std::vector<Symbol>& symbols = loop.symbols();
    symbols.clear();
    for (uint32_t i = 0; i < piece.size(); ++i) {
      const TokenId token = byte_tokens_[static_cast<uint8_t>(piece[i])];
      // A byte without a token is dropped first: its neighbours may merge.
      if (token != kNoToken) symbols.push_back({i, 1, token});
    }
    loop.Run([this](const Symbol& left, const Symbol& right) {
      return merges_.Find(left.token, right.token);
    });
    for (const Symbol& symbol : symbols) tokens.push_back(symbol.token);
  }

  // Most pieces of a text are tokens. Those that merging its own text leads
  // back to need no merging: found out once, here.
  void FindWholeTokens() {
    MergeLoop loop;
    std::vector<TokenId> tokens;
    for (TokenId token = 0; token < pieces_.size(); ++token) {
      tokens.clear();
      MergePiece(pieces_[token], loop, tokens);
      whole_[static_cast<size_t>(token)] =
          tokens.size() == 1 && tokens[0] == token;
    }
  }

  SplitRule rule_;
  bool nfc_;
  TextTable pieces_;
  MergeTable merges_;
  std::array<TokenId, 256> byte_tokens_;
  std::vector<bool> whole_;
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakeBpeTokenizer(const TokenizerSpec& spec) {
  const BpeProfile* profile = FindBpeProfile(spec.pre);
  if (profile == nullptr) {
    return Error{
        Format("tokenizer.ggml.pre: \"{}\" is not supported; "
               "supported: {}",
               Excerpt(spec.pre), ListBpeProfiles())};
  }
  BRAID_ASSIGN(Vocabulary vocabulary, Vocabulary::Make(spec));
  BRAID_ASSIGN(TextTable pieces, MakePieces(vocabulary));
  BRAID_TRY(CheckMerges(spec, vocabulary, pieces));
  BRAID_ASSIGN(MergeTable merges, MakeMergeTable(spec.merges, vocabulary));
  return std::unique_ptr<Tokenizer>(
      std::make_unique<BpeTokenizer>(std::move(vocabulary), std::move(pieces),
                                     std::move(merges), *profile, spec));
}

}  // namespace braid
