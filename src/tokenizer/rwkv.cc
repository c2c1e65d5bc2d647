#include "tokenizer/rwkv.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/try.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/text_table.h"
#include "tokenizer/vocabulary_tokenizer.h"

namespace braid {

namespace {

// What tokens stand for, by id.
Result<TextTable> MakePieces(const Vocabulary& vocabulary) {
  std::vector<std::string> texts;
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    texts.push_back(UnescapeRwkv(vocabulary.text(token)));
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return TextTable::Make(views, std::vector<bool>(views.size(), false),
                         "tokenizer.ggml.tokens");
}

Result<ByteTrie> MakeTrie(const Vocabulary& vocabulary,
                          const TextTable& pieces) {
  std::vector<ByteTrie::Entry> entries;
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    if (vocabulary.type(token) == TokenType::kNormal) {
      entries.push_back({pieces[token], token});
    }
  }
  return ByteTrie::Make(std::move(entries), "tokenizer.ggml.tokens");
}

class RwkvTokenizer : public VocabularyTokenizer {
 public:
  RwkvTokenizer(Vocabulary vocabulary, TextTable pieces, ByteTrie trie,
                const TokenizerSpec& spec)
      : VocabularyTokenizer(std::move(vocabulary), spec.add_bos.value_or(false),
                            spec.add_eos.value_or(false)),
        pieces_(std::move(pieces)),
        trie_(std::move(trie)) {}

 private:
  void EncodeFragments(std::span<const Fragment> fragments,
                       std::vector<TokenId>& tokens) const override {
    for (const Fragment& fragment : fragments) {
      if (fragment.token != kNoToken) {
        tokens.push_back(fragment.token);
      } else {
        EncodeText(fragment.text, tokens);
      }
    }
  }

  void EncodeText(std::string_view text, std::vector<TokenId>& tokens) const {
    const TokenId unknown = vocabulary().id(TokenRole::kUnknown);
    while (!text.empty()) {
      const ByteTrie::Match match = trie_.Longest(text);
      if (match.length > 0) {
        tokens.push_back(match.token);
        text.remove_prefix(match.length);
      } else {
        if (unknown != kNoToken) tokens.push_back(unknown);
        text.remove_prefix(1);
      }
    }
  }

  void AppendBytes(TokenId token, std::string& text) const override {
    text += pieces_[token];
  }

  TextTable pieces_;
  ByteTrie trie_;
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakeRwkvTokenizer(
    const TokenizerSpec& spec) {
  BRAID_ASSIGN(Vocabulary vocabulary, Vocabulary::Make(spec));
  BRAID_ASSIGN(TextTable pieces, MakePieces(vocabulary));
  BRAID_ASSIGN(ByteTrie trie, MakeTrie(vocabulary, pieces));
  return std::unique_ptr<Tokenizer>(std::make_unique<RwkvTokenizer>(
      std::move(vocabulary), std::move(pieces), std::move(trie), spec));
}

std::string UnescapeRwkv(std::string_view stored) {
  std::string bytes;
  while (!stored.empty()) {
    const size_t plain = std::min(stored.find('\\'), stored.size());
    bytes += stored.substr(0, plain);
    stored.remove_prefix(plain);
    if (stored.size() < 2) break;

    const char kind = stored[1];
    uint8_t byte = 0;
    const std::string_view digits = stored.substr(2, 2);
    const char* digits_end = digits.data() + digits.size();
    if (kind == 'x' && digits.size() == 2 &&
        std::from_chars(digits.data(), digits_end, byte, 16).ptr ==
            digits_end) {
      bytes.push_back(static_cast<char>(byte));
      stored.remove_prefix(4);
      continue;
    }
    bytes.push_back(kind == 't'   ? '\t'
                    : kind == 'n' ? '\n'
                    : kind == 'r' ? '\r'
                                  : kind);
    stored.remove_prefix(2);
  }
  bytes += stored;
  return bytes;
}

}  // namespace braid
