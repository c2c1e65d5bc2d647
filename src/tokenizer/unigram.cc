#include "tokenizer/unigram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "tokenizer/byte_fallback.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/text_rewriter.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocabulary_tokenizer.h"

namespace braid {

namespace {

// An unknown character scores this much below the worst token.
constexpr float kUnknownPenalty = 10.0f;

// Where a sum is further than this from zero, it is taken off all sums that are
// still compared: as floats they would lose the difference between tokens.
constexpr float kSumToRestart = 100000.0f;

// A text that is cut word by word is written out this often: memory.
constexpr size_t kLongestPart = size_t{1} << 16;

// What the model assumes when the file has no such key.
TokenIds DefaultIds() {
  TokenIds ids;
  ids[static_cast<size_t>(TokenRole::kPadding)] = 0;
  ids[static_cast<size_t>(TokenRole::kEos)] = 1;
  ids[static_cast<size_t>(TokenRole::kUnknown)] = 2;
  return ids;
}

Result<ByteTrie> MakeTrie(const Vocabulary& vocabulary,
                          const SentencePieceRules& rules) {
  std::vector<ByteTrie::Entry> entries = SymbolEntries(rules, vocabulary);
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    if (vocabulary.type(token) == TokenType::kNormal) {
      entries.push_back({vocabulary.text(token), token});
    }
  }
  return ByteTrie::Make(std::move(entries), "tokenizer.ggml.tokens");
}

float LowestScore(const Vocabulary& vocabulary) {
  float lowest = std::numeric_limits<float>::max();
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    if (vocabulary.type(token) == TokenType::kNormal) {
      lowest = std::min(lowest, vocabulary.score(token));
    }
  }
  return lowest;
}

// By token. The package prefers user-defined pieces to all that scores below
// zero, the longer the more.
std::vector<float> ScoresOf(const Vocabulary& vocabulary,
                            const SentencePieceRules& rules) {
  std::vector<float> scores;
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    scores.push_back(vocabulary.score(token));
  }
  for (const auto& [text, token] : SymbolEntries(rules, vocabulary)) {
    scores[static_cast<size_t>(token)] =
        static_cast<float>(0.1 * (static_cast<double>(text.size()) - 1));
  }
  return scores;
}

// The best way to a position of the text, by its last token.
struct Way {
  float score = 0;
  uint32_t length = 0;       // of the last token; 0: no way is known yet
  TokenId token = kNoToken;  // kNoToken: an unknown character
};

// The end of the word at `at`: some space marks, then characters that are none.
size_t WordEnd(std::string_view text, size_t at) {
  while (text.substr(at).starts_with(kSpaceMark)) at += kSpaceMark.size();
  return std::min(text.find(kSpaceMark, at), text.size());
}

class UnigramTokenizer : public VocabularyTokenizer {
 public:
  UnigramTokenizer(Vocabulary vocabulary, ByteTrie trie, TextRewriter rewriter,
                   const TokenizerSpec& spec)
      : VocabularyTokenizer(std::move(vocabulary), spec.add_bos.value_or(false),
                            spec.add_eos.value_or(true)),
        rewriter_(std::move(rewriter)),
        trie_(std::move(trie)),
        scores_(ScoresOf(this->vocabulary(), spec.sentencepiece)),
        split_words_(!AnyTokenSpansWords(this->vocabulary()) &&
                     !rewriter_.has_symbols() && rewriter_.escapes_spaces()),
        unknown_score_(LowestScore(this->vocabulary()) - kUnknownPenalty),
        byte_tokens_(FindByteTokens(this->vocabulary())),
        has_bytes_(std::find(byte_tokens_.begin(), byte_tokens_.end(),
                             kNoToken) == byte_tokens_.end()) {}

 private:
  void EncodeFragments(std::span<const Fragment> fragments,
                       std::vector<TokenId>& tokens) const override {
    std::string text;
    std::vector<Way> ways;
    for (const Fragment& fragment : fragments) {
      if (fragment.token != kNoToken) {
        tokens.push_back(fragment.token);
      } else {
        rewriter_.Rewrite(fragment.text, text);
        EncodeRewritten(text, ways, tokens);
      }
    }
  }

  // `ways` is scratch.
  void EncodeRewritten(std::string_view text, std::vector<Way>& ways,
                       std::vector<TokenId>& tokens) const {
    const size_t first = tokens.size();
    ways.assign(1, Way());
    for (size_t begin = 0; begin < text.size();) {
      size_t end = text.size();
      if (split_words_ && end - begin > kLongestPart) {
        end = WordEnd(text, begin + kLongestPart);
      }
      FindWays(text.substr(begin, end - begin), ways);
      AppendBestWay(text.substr(begin, end - begin), ways, first, tokens);
      // The sum goes on where all ways meet.
      ways.assign(1, Way{.score = ways.back().score});
      begin = end;
    }
  }

  // Extends `ways`, known at the start of `text`, to its end.
  void FindWays(std::string_view text, std::vector<Way>& ways) const {
    ways.resize(text.size() + 1);
    size_t furthest = 0;  // the last position that a way leads to
    for (size_t at = 0; at < text.size();) {
      if (std::abs(ways[at].score) > kSumToRestart) {
        RestartSums(std::span(ways).subspan(at, furthest - at + 1));
      }
      const float score = ways[at].score;
      const uint32_t character = DecodeUtf8(text, at).length;
      bool character_is_token = false;
      ByteTrie::Node node = ByteTrie::kRoot;
      for (size_t end = at; end < text.size();) {
        node = trie_.Step(node, static_cast<uint8_t>(text[end++]));
        if (node == ByteTrie::kNone) break;
        const TokenId token = trie_.token(node);
        if (token == kNoToken) continue;
        const uint32_t length = static_cast<uint32_t>(end - at);
        character_is_token |= length == character;
        furthest = std::max(furthest, end);
        Improve(score + scores_[static_cast<size_t>(token)], length, token,
                ways[end]);
      }
      if (!character_is_token) {
        furthest = std::max(furthest, at + character);
        Improve(score + unknown_score_, character, kNoToken,
                ways[at + character]);
      }
      at += character;
    }
  }

  // The first becomes zero.
  static void RestartSums(std::span<Way> ways) {
    const float sum = ways[0].score;
    for (Way& way : ways) {
      if (way.length > 0) way.score -= sum;
    }
    ways[0].score = 0;
  }

  static void Improve(float score, uint32_t length, TokenId token, Way& best) {
    if (best.length == 0 || score > best.score) best = {score, length, token};
  }

  // tokens[first] and later ones are of the same text.
  void AppendBestWay(std::string_view text, const std::vector<Way>& ways,
                     size_t first, std::vector<TokenId>& tokens) const {
    const size_t part = tokens.size();
    for (size_t end = text.size(); end > 0; end -= ways[end].length) {
      const Way& way = ways[end];
      if (way.token != kNoToken) {
        tokens.push_back(way.token);
      } else {
        AppendUnknownBackwards(text.substr(end - way.length, way.length), part,
                               tokens);
      }
    }
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(part);
    std::reverse(begin, tokens.end());
    // Unknown characters on both sides of the cut are one run.
    const TokenId unknown = vocabulary().id(TokenRole::kUnknown);
    const bool repeated = part > first && part < tokens.size() &&
                          unknown != kNoToken && tokens[part] == unknown &&
                          tokens[part - 1] == unknown;
    if (repeated) tokens.erase(begin);
  }

  // tokens[first] and later ones are of the same part, in reverse.
  void AppendUnknownBackwards(std::string_view character, size_t first,
                              std::vector<TokenId>& tokens) const {
    if (has_bytes_) {
      for (size_t i = character.size(); i-- > 0;) {
        tokens.push_back(byte_tokens_[static_cast<uint8_t>(character[i])]);
      }
      return;
    }
    const TokenId unknown = vocabulary().id(TokenRole::kUnknown);
    const bool repeated = tokens.size() > first && tokens.back() == unknown;
    if (unknown != kNoToken && !repeated) tokens.push_back(unknown);
  }

  void AppendBytes(TokenId token, std::string& text) const override {
    AppendPieceText(vocabulary(), token, text);
  }

  bool TrimStart(TokenId last, std::string& text) const override {
    return rewriter_.TrimStart(vocabulary(), last, text);
  }

  TextRewriter rewriter_;
  ByteTrie trie_;
  std::vector<float> scores_;  // by token
  bool split_words_;
  float unknown_score_;
  ByteTokens byte_tokens_;
  bool has_bytes_;
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakeUnigramTokenizer(
    const TokenizerSpec& spec) {
  BRAID_ASSIGN(Vocabulary vocabulary, Vocabulary::Make(spec, DefaultIds()));
  BRAID_ASSIGN(ByteTrie trie, MakeTrie(vocabulary, spec.sentencepiece));
  BRAID_ASSIGN(TextRewriter rewriter, TextRewriter::Make(spec, vocabulary, {}));
  return std::unique_ptr<Tokenizer>(std::make_unique<UnigramTokenizer>(
      std::move(vocabulary), std::move(trie), std::move(rewriter), spec));
}

}  // namespace braid
