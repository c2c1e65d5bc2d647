#include "tokenizer/spm.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/try.h"
#include "tokenizer/byte_fallback.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/merge_loop.h"
#include "tokenizer/text_rewriter.h"
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

// Where the text of an unused piece was split when it could be merged last: the
// bytes of its left half.
using Splits = std::unordered_map<TokenId, uint32_t>;

// The end of the word at `at`: some space marks, then characters that are none.
size_t WordEnd(std::string_view text, size_t at) {
  while (text.substr(at).starts_with(kSpaceMark)) at += kSpaceMark.size();
  return std::min(text.find(kSpaceMark, at), text.size());
}

class SpmTokenizer : public VocabularyTokenizer {
 public:
  SpmTokenizer(Vocabulary vocabulary, TextRewriter rewriter,
               const TokenizerSpec& spec)
      : VocabularyTokenizer(std::move(vocabulary), spec.add_bos.value_or(true),
                            spec.add_eos.value_or(false)),
        rewriter_(std::move(rewriter)),
        ranks_(RanksByScore(this->vocabulary())),
        fallback_(this->vocabulary()),
        merges_unused_(!spec.sentencepiece.unused.empty()),
        // Unused pieces are split as they were merged last in all of the text.
        split_words_(!AnyTokenSpansWords(this->vocabulary()) &&
                     !merges_unused_ && rewriter_.escapes_spaces()) {
    FindMergeable(spec.sentencepiece.unused);
    FindWholeTokens();
  }

 private:
  // What is kept from piece to piece.
  struct Scratch {
    std::string text;
    MergeLoop loop;
    Splits splits;
    std::vector<std::string_view> halves;
  };

  void EncodeFragments(std::span<const Fragment> fragments,
                       std::vector<TokenId>& tokens) const override {
    Scratch scratch;
    for (const Fragment& fragment : fragments) {
      if (fragment.token != kNoToken) {
        tokens.push_back(fragment.token);
      } else {
        // Every fragment is the start of the text or follows a special token:
        // each gets the space.
        rewriter_.Rewrite(fragment.text, scratch.text);
        EncodeRewritten(scratch.text, scratch, tokens);
      }
    }
  }

  void EncodeRewritten(std::string_view text, Scratch& scratch,
                       std::vector<TokenId>& tokens) const {
    scratch.splits.clear();
    for (size_t at = 0; at < text.size();) {
      const ByteTrie::Match symbol = rewriter_.Symbol(text.substr(at));
      if (symbol.length > 0) {
        tokens.push_back(symbol.token);
        at += symbol.length;
        continue;
      }
      const size_t end = std::min(PieceEnd(text, at), at + kLongestPiece);
      EncodePiece(text.substr(at, end - at), scratch, tokens);
      at = end;
    }
  }

  // No merge crosses it.
  size_t PieceEnd(std::string_view text, size_t at) const {
    if (merges_unused_) return text.size();
    if (!rewriter_.has_symbols()) {
      return split_words_ ? WordEnd(text, at) : text.size();
    }
    bool in_word = false;
    for (size_t end = at; end < text.size();) {
      const bool is_mark = text.substr(end).starts_with(kSpaceMark);
      if (split_words_ && in_word && is_mark) return end;
      if (end > at && rewriter_.Symbol(text.substr(end)).length > 0) return end;
      in_word |= !is_mark;
      end += DecodeUtf8(text, end).length;
    }
    return text.size();
  }

  void EncodePiece(std::string_view piece, Scratch& scratch,
                   std::vector<TokenId>& tokens) const {
    const TokenId whole = vocabulary().Find(piece);
    if (whole != kNoToken && whole_[static_cast<size_t>(whole)]) {
      tokens.push_back(whole);
      return;
    }
    if (merges_unused_) {
      MergePieceWithUnused(piece, scratch);
    } else {
      MergePiece(piece, scratch.loop);
    }
    for (const Symbol& symbol : scratch.loop.symbols()) {
      const std::string_view text = piece.substr(symbol.begin, symbol.length);
      if (symbol.token == kNoToken) {
        fallback_.Append(text, tokens);
      } else if (IsUnused(symbol.token)) {
        AppendHalves(text, scratch, tokens);
      } else {
        tokens.push_back(symbol.token);
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

  // User-defined pieces are symbols that do not merge.
  void MergePieceWithUnused(std::string_view piece, Scratch& scratch) const {
    std::vector<Symbol>& symbols = scratch.loop.symbols();
    symbols.clear();
    for (uint32_t at = 0; at < piece.size();) {
      ByteTrie::Match match = rewriter_.Symbol(piece.substr(at));
      if (match.length == 0) {
        match.length = DecodeUtf8(piece, at).length;
        match.token = Lookup(piece.substr(at, match.length)).token;
      }
      const uint32_t length = static_cast<uint32_t>(match.length);
      symbols.push_back({at, length, match.token});
      at += length;
    }
    const auto stays = [this](const Symbol& symbol) {
      return symbol.token != kNoToken && vocabulary().is_symbol(symbol.token);
    };
    scratch.loop.Run([&](const Symbol& left, const Symbol& right) {
      if (stays(left) || stays(right)) return Merge();
      const Merge merge =
          Lookup(piece.substr(left.begin, left.length + right.length));
      if (merge.token != kNoToken && IsUnused(merge.token)) {
        scratch.splits[merge.token] = left.length;
      }
      return merge;
    });
  }

  // Splits the text of an unused piece until no half is one.
  void AppendHalves(std::string_view text, Scratch& scratch,
                    std::vector<TokenId>& tokens) const {
    std::vector<std::string_view>& halves = scratch.halves;
    halves.assign(1, text);
    while (!halves.empty()) {
      const std::string_view half = halves.back();
      halves.pop_back();
      const TokenId token = Lookup(half).token;
      const auto split =
          token == kNoToken ? scratch.splits.end() : scratch.splits.find(token);
      if (token != kNoToken && !IsUnused(token)) {
        tokens.push_back(token);
      } else if (split != scratch.splits.end()) {
        halves.push_back(half.substr(split->second));
        halves.push_back(half.substr(0, split->second));
      } else {
        fallback_.Append(half, tokens);
      }
    }
  }

  Merge Lookup(std::string_view text) const {
    if (text.size() > kLongestMerge) return {};
    const TokenId token = vocabulary().Find(text);
    if (token == kNoToken || !mergeable_[static_cast<size_t>(token)]) return {};
    return {ranks_[static_cast<size_t>(token)], token};
  }

  bool IsUnused(TokenId token) const {
    return vocabulary().type(token) == TokenType::kUnused;
  }

  void AppendBytes(TokenId token, std::string& text) const override {
    AppendPieceText(vocabulary(), token, text);
  }

  bool TrimStart(TokenId last, std::string& text) const override {
    return rewriter_.TrimStart(vocabulary(), last, text);
  }

  void FindMergeable(const std::vector<int32_t>& unused) {
    mergeable_.assign(static_cast<size_t>(vocabulary().size()), false);
    for (TokenId token = 0; token < vocabulary().size(); ++token) {
      mergeable_[static_cast<size_t>(token)] =
          vocabulary().type(token) == TokenType::kNormal;
    }
    for (const TokenId token : unused) {
      if (IsUnused(token)) mergeable_[static_cast<size_t>(token)] = true;
    }
  }

  // Most words of a text are tokens. Those that merging its own text leads
  // back to need no merging: found out once, here.
  void FindWholeTokens() {
    whole_.assign(static_cast<size_t>(vocabulary().size()), false);
    MergeLoop loop;
    for (TokenId token = 0; token < vocabulary().size(); ++token) {
      const std::string_view text = vocabulary().text(token);
      const bool merges = vocabulary().type(token) == TokenType::kNormal &&
                          text.size() <= kLongestMerge;
      if (!merges) continue;
      MergePiece(text, loop);
      whole_[static_cast<size_t>(token)] =
          loop.symbols().size() == 1 && loop.symbols()[0].token == token;
    }
  }

  TextRewriter rewriter_;
  std::vector<uint32_t> ranks_;  // by token: the order of merging
  ByteFallback fallback_;
  bool merges_unused_;
  bool split_words_;
  std::vector<bool> mergeable_;  // by token
  std::vector<bool> whole_;      // by token
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakeSpmTokenizer(const TokenizerSpec& spec) {
  BRAID_ASSIGN(Vocabulary vocabulary, Vocabulary::Make(spec, DefaultIds()));
  BRAID_ASSIGN(
      TextRewriter rewriter,
      TextRewriter::Make(spec, vocabulary,
                         {.squeezes = false, .replaces_broken = false}));
  return std::unique_ptr<Tokenizer>(std::make_unique<SpmTokenizer>(
      std::move(vocabulary), std::move(rewriter), spec));
}

}  // namespace braid
