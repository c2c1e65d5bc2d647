#include "tokenizer/spm.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "tokenizer/byte_fallback.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/merge_loop.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocabulary_tokenizer.h"

namespace braid {

namespace {

// Looking a text up costs its length; with a bound the whole stays O(n log n).
// The longest normal token of models in use has about 100 bytes.
constexpr size_t kLongestMerge = 512;

// Positions inside a piece are 32-bit: a longer piece is cut here.
constexpr size_t kLongestPiece = size_t{1} << 30;

// What the model assumes when the file has no such key.
TokenIds DefaultIds() {
  TokenIds ids;
  ids[static_cast<size_t>(TokenRole::kUnknown)] = 0;
  ids[static_cast<size_t>(TokenRole::kBos)] = 1;
  ids[static_cast<size_t>(TokenRole::kEos)] = 2;
  return ids;
}

bool CanMergeInto(const Vocabulary& vocabulary, TokenId token) {
  return vocabulary.type(token) == TokenType::kNormal &&
         vocabulary.text(token).size() <= kLongestMerge;
}

// Equal scores get equal ranks; the highest gets 0.
std::vector<uint32_t> RanksByScore(const Vocabulary& vocabulary) {
  std::vector<TokenId> order(static_cast<size_t>(vocabulary.size()));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](TokenId a, TokenId b) {
    return vocabulary.score(a) > vocabulary.score(b);
  });
  std::vector<uint32_t> ranks(order.size(), 0);
  for (size_t i = 1; i < order.size(); ++i) {
    const bool equal =
        vocabulary.score(order[i]) == vocabulary.score(order[i - 1]);
    ranks[static_cast<size_t>(order[i])] =
        ranks[static_cast<size_t>(order[i - 1])] + (equal ? 0 : 1);
  }
  return ranks;
}

// Bytes of the space mark (or the space that stands for one) at text[at]; 0 if
// there is none.
size_t SpaceLength(std::string_view text, size_t at) {
  if (text[at] == ' ') return 1;
  return text.substr(at).starts_with(kSpaceMark) ? kSpaceMark.size() : 0;
}

// The end of the word at `at`: some spaces, then characters that are none.
size_t WordEnd(std::string_view text, size_t at) {
  while (at < text.size()) {
    const size_t space = SpaceLength(text, at);
    if (space == 0) break;
    at += space;
  }
  while (at < text.size() && SpaceLength(text, at) == 0) ++at;
  return at;
}

class SpmTokenizer : public VocabularyTokenizer {
 public:
  SpmTokenizer(Vocabulary vocabulary, const TokenizerSpec& spec)
      : VocabularyTokenizer(std::move(vocabulary), spec.add_bos.value_or(true),
                            spec.add_eos.value_or(false)),
        add_space_prefix_(spec.add_space_prefix.value_or(true)),
        ranks_(RanksByScore(this->vocabulary())),
        fallback_(this->vocabulary()),
        split_words_(!AnyTokenSpansWords(this->vocabulary())) {
    FindWholeTokens();
  }

 private:
  void EncodeFragments(std::span<const Fragment> fragments,
                       std::vector<TokenId>& tokens) const override {
    MergeLoop loop;
    std::string piece;
    for (const Fragment& fragment : fragments) {
      if (fragment.token != kNoToken) {
        tokens.push_back(fragment.token);
      } else {
        EncodeText(fragment.text, loop, piece, tokens);
      }
    }
  }

  // `piece` is scratch.
  void EncodeText(std::string_view text, MergeLoop& loop, std::string& piece,
                  std::vector<TokenId>& tokens) const {
    // Every fragment is the start of the text or follows a special token: each
    // gets the prefix.
    piece.assign(add_space_prefix_ ? kSpaceMark : std::string_view());
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(
          split_words_ ? WordEnd(text, at) : text.size(), at + kLongestPiece);
      while (at < end) {
        if (text[at] == ' ') {
          piece += kSpaceMark;
        } else {
          piece += text[at];
        }
        ++at;
      }
      EncodePiece(piece, loop, tokens);
      piece.clear();
    }
  }

  void EncodePiece(std::string_view piece, MergeLoop& loop,
                   std::vector<TokenId>& tokens) const {
    const TokenId whole = vocabulary().Find(piece);
    if (whole != kNoToken && whole_[static_cast<size_t>(whole)]) {
      tokens.push_back(whole);
      return;
    }
    MergePiece(piece, loop);
    for (const Symbol& symbol : loop.symbols()) {
      if (symbol.token != kNoToken) {
        tokens.push_back(symbol.token);
      } else {
        fallback_.Append(piece.substr(symbol.begin, symbol.length), tokens);
      }
    }
  }

  void MergePiece(std::string_view piece, MergeLoop& loop) const {
    std::vector<Symbol>& symbols = loop.symbols();
    symbols.clear();
    for (uint32_t at = 0; at < piece.size();) {
      const uint32_t length = DecodeUtf8(piece, at).length;
      symbols.push_back({at, length, Lookup(piece.substr(at, length)).token});
      at += length;
    }
    loop.Run([&](const Symbol& left, const Symbol& right) {
      return Lookup(piece.substr(left.begin, left.length + right.length));
    });
  }

  Merge Lookup(std::string_view text) const {
    if (text.size() > kLongestMerge) return {};
    const TokenId token = vocabulary().Find(text);
    if (token == kNoToken || !CanMergeInto(vocabulary(), token)) return {};
    return {ranks_[static_cast<size_t>(token)], token};
  }

  void AppendBytes(TokenId token, std::string& text) const override {
    AppendPieceText(vocabulary(), token, text);
  }

  void TrimStart(std::string& text) const override {
    if (add_space_prefix_ && text.starts_with(' ')) text.erase(0, 1);
  }

  // Most words of a text are tokens. Those that merging its own text leads
  // back to need no merging: found out once, here.
  void FindWholeTokens() {
    whole_.assign(static_cast<size_t>(vocabulary().size()), false);
    MergeLoop loop;
    for (TokenId token = 0; token < vocabulary().size(); ++token) {
      if (!CanMergeInto(vocabulary(), token)) continue;
      MergePiece(vocabulary().text(token), loop);
      whole_[static_cast<size_t>(token)] =
          loop.symbols().size() == 1 && loop.symbols()[0].token == token;
    }
  }

  bool add_space_prefix_;
  std::vector<uint32_t> ranks_;  // by token: the order of merging
  ByteFallback fallback_;
  bool split_words_;
  std::vector<bool> whole_;
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakeSpmTokenizer(const TokenizerSpec& spec) {
  BRAID_ASSIGN(Vocabulary vocabulary, Vocabulary::Make(spec, DefaultIds()));
  return std::unique_ptr<Tokenizer>(
      std::make_unique<SpmTokenizer>(std::move(vocabulary), spec));
}

}  // namespace braid
