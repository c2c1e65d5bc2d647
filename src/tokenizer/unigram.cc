#include "tokenizer/unigram.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "tokenizer/byte_fallback.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocabulary_tokenizer.h"

namespace braid {

namespace {

// An unknown character scores this much below the worst token.
constexpr float kUnknownPenalty = 10.0f;

// Sums start again at zero at the first word behind this score: as floats they
// would lose the difference between tokens in a long text.
constexpr float kScoreToRestart = -16384.0f;

// What the model assumes when the file has no such key.
TokenIds DefaultIds() {
  TokenIds ids;
  ids[static_cast<size_t>(TokenRole::kPadding)] = 0;
  ids[static_cast<size_t>(TokenRole::kEos)] = 1;
  ids[static_cast<size_t>(TokenRole::kUnknown)] = 2;
  return ids;
}

Result<ByteTrie> MakeTrie(const Vocabulary& vocabulary) {
  std::vector<ByteTrie::Entry> entries;
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

// Rewrites a text before it is cut.
class Rewriter {
 public:
  Rewriter(CharsMap map, const TokenizerSpec& spec)
      : map_(std::move(map)),
        add_space_prefix_(spec.add_space_prefix.value_or(true)),
        collapse_spaces_(spec.remove_extra_whitespaces.value_or(true)) {}

  bool add_space_prefix() const { return add_space_prefix_; }

  // Replaces the contents of `out`.
  void Rewrite(std::string_view text, std::string& out) const {
    out.assign(add_space_prefix_ ? kSpaceMark : std::string_view());
    bool after_space = collapse_spaces_;
    while (!text.empty()) {
      const CharsMap::Match character = Next(text);
      text.remove_prefix(character.length);
      std::string_view written = character.replacement;
      while (after_space && written.starts_with(' ')) written.remove_prefix(1);
      if (written.empty()) continue;
      for (const char byte : written) {
        if (byte == ' ') {
          out += kSpaceMark;
        } else {
          out += byte;
        }
      }
      after_space = collapse_spaces_ && written.ends_with(' ');
    }
    while (collapse_spaces_ && out.ends_with(kSpaceMark)) {
      out.resize(out.size() - kSpaceMark.size());
    }
  }

 private:
  // What the text begins with and what that becomes.
  CharsMap::Match Next(std::string_view text) const {
    const CharsMap::Match match = map_.Longest(text);
    if (match.length > 0) return match;
    const Utf8Char character = DecodeUtf8(text, 0);
    return {character.length, character.valid ? text.substr(0, character.length)
                                              : std::string_view("\uFFFD")};
  }

  CharsMap map_;
  bool add_space_prefix_;
  bool collapse_spaces_;
};

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
  UnigramTokenizer(Vocabulary vocabulary, ByteTrie trie, CharsMap map,
                   const TokenizerSpec& spec)
      : VocabularyTokenizer(std::move(vocabulary), spec.add_bos.value_or(false),
                            spec.add_eos.value_or(true)),
        rewriter_(std::move(map), spec),
        trie_(std::move(trie)),
        split_words_(!AnyTokenSpansWords(this->vocabulary())),
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
    size_t begin = 0;  // of the text that is not encoded yet
    ways.assign(1, Way());
    for (size_t at = 0; at < text.size();) {
      const size_t end = split_words_ ? WordEnd(text, at) : text.size();
      FindWays(text.substr(begin, end - begin), at - begin, ways);
      at = end;
      if (at < text.size() && ways.back().score > kScoreToRestart) continue;
      AppendBestWay(text.substr(begin, end - begin), ways, tokens);
      begin = end;
      ways.assign(1, Way());
    }
  }

  // Extends `ways`, known up to `at`, to the end of `text`.
  void FindWays(std::string_view text, size_t at,
                std::vector<Way>& ways) const {
    ways.resize(text.size() + 1);
    while (at < text.size()) {
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
        Improve(score + vocabulary().score(token), length, token, ways[end]);
      }
      if (!character_is_token) {
        Improve(score + unknown_score_, character, kNoToken,
                ways[at + character]);
      }
      at += character;
    }
  }

  static void Improve(float score, uint32_t length, TokenId token, Way& best) {
    if (best.length == 0 || score > best.score) best = {score, length, token};
  }

  void AppendBestWay(std::string_view text, const std::vector<Way>& ways,
                     std::vector<TokenId>& tokens) const {
    const size_t first = tokens.size();
    for (size_t end = text.size(); end > 0; end -= ways[end].length) {
      const Way& way = ways[end];
      if (way.token != kNoToken) {
        tokens.push_back(way.token);
      } else {
        AppendUnknownBackwards(text.substr(end - way.length, way.length), first,
                               tokens);
      }
    }
    std::reverse(tokens.begin() + static_cast<std::ptrdiff_t>(first),
                 tokens.end());
  }

  // tokens[first] and later ones are of the same text, in reverse.
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

  void TrimStart(std::string& text) const override {
    if (rewriter_.add_space_prefix() && text.starts_with(' ')) {
      text.erase(0, 1);
    }
  }

  Rewriter rewriter_;
  ByteTrie trie_;
  bool split_words_;
  float unknown_score_;
  std::array<TokenId, 256> byte_tokens_;
  bool has_bytes_;
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakeUnigramTokenizer(
    const TokenizerSpec& spec) {
  BRAID_ASSIGN(Vocabulary vocabulary, Vocabulary::Make(spec, DefaultIds()));
  BRAID_ASSIGN(ByteTrie trie, MakeTrie(vocabulary));
  BRAID_ASSIGN(CharsMap map, CharsMap::Make(spec.charsmap));
  return std::unique_ptr<Tokenizer>(std::make_unique<UnigramTokenizer>(
      std::move(vocabulary), std::move(trie), std::move(map), spec));
}

}  // namespace braid
