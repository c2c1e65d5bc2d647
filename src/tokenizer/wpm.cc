#include "tokenizer/wpm.h"

#include <utf8proc.h>

#include <string>
#include <utility>
#include <vector>

#include "base/try.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/normalize.h"
#include "tokenizer/unicode_tables.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocabulary_tokenizer.h"

namespace braid {

namespace {

constexpr int kLongestWord = 100;  // characters

// What the model assumes when the file has no such key: the ids of BERT.
TokenIds DefaultIds() {
  TokenIds ids;
  ids[static_cast<size_t>(TokenRole::kPadding)] = 0;
  ids[static_cast<size_t>(TokenRole::kUnknown)] = 100;
  ids[static_cast<size_t>(TokenRole::kBos)] = 101;
  ids[static_cast<size_t>(TokenRole::kSeparator)] = 102;
  ids[static_cast<size_t>(TokenRole::kMask)] = 103;
  return ids;
}

// The blocks of ideographs that are words of their own. 2B81F is a slip of the
// pen in `tokenizers` (BERT has 2B820 to 2CEAF), kept because models saw it.
bool IsChinese(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) ||
         (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

bool IsDropped(uint32_t c, CharClass kind) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return (kind & kControl) != 0 || c == kReplacementCharacter ||
         utf8proc_category(static_cast<int32_t>(c)) == UTF8PROC_CATEGORY_CO;
}

bool IsNonspacingMark(uint32_t c, CharClass kind) {
  return (kind & kMark) != 0 &&
         utf8proc_category(static_cast<int32_t>(c)) == UTF8PROC_CATEGORY_MN;
}

// \p{P}, or an ASCII character that is neither letter, number nor space.
bool IsSeparate(uint32_t c, CharClass kind) {
  return (kind & kPunctuation) != 0 || (c < 0x80 && (kind & kSymbol) != 0);
}

// Cuts text into normalized words and hands each to `emit(word, characters)`.
template <class Emit>
class WordSplitter {
 public:
  WordSplitter(bool lowercase, bool strip_accents, Emit emit)
      : lowercase_(lowercase),
        strip_accents_(strip_accents),
        emit_(std::move(emit)) {}

  void Split(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const Utf8Char character = DecodeUtf8(text, at);
      AddCleaned(character.code_point);
      at += character.length;
    }
    EndWord();
  }

 private:
  void AddCleaned(uint32_t c) {
    const CharClass kind = ClassOf(c);
    if (c < 0x80) {
      if ((kind & (kLetter | kNumber)) != 0) return AddLowered(c, kind);
    } else if (IsChinese(c)) {
      EndWord();
      AddNormalized(c);
      return EndWord();
    }
    if (IsDropped(c, kind)) return;
    if ((kind & kSpace) != 0) return EndWord();
    AddNormalized(c);
  }

  void AddNormalized(uint32_t c) {
    if (!strip_accents_ || c < 0x80) return AddLowered(c, ClassOf(c));
    parts_.clear();
    AppendDecomposed(c, parts_);
    for (const int32_t part : parts_) {
      const uint32_t base = static_cast<uint32_t>(part);
      const CharClass kind = ClassOf(base);
      if (!IsNonspacingMark(base, kind)) AddLowered(base, kind);
    }
  }

  void AddLowered(uint32_t c, CharClass kind) {
    if (!lowercase_) return Add(c, kind);
    if (c < 0x80) {
      return Add((kind & kUpperCase) != 0 ? c + ('a' - 'A') : c, kind);
    }
    // The one character whose lower case is two (Unicode's SpecialCasing).
    if (c == 0x130) {
      Add('i', kLetter);
      return Add(0x307, kMark);
    }
    Add(static_cast<uint32_t>(utf8proc_tolower(static_cast<int32_t>(c))), kind);
  }

  void Add(uint32_t c, CharClass kind) {
    const bool separate = IsSeparate(c, kind);
    if (separate) EndWord();
    AppendUtf8(c, word_);
    ++characters_;
    if (separate) EndWord();
  }

  void EndWord() {
    if (!word_.empty()) emit_(std::string_view(word_), characters_);
    word_.clear();
    characters_ = 0;
  }

  bool lowercase_;
  bool strip_accents_;
  Emit emit_;
  std::string word_;
  int64_t characters_ = 0;
  std::vector<int32_t> parts_;
};

// The tokens that begin words, without their mark, and those that continue.
struct WordTries {
  ByteTrie begins;
  ByteTrie continues;
};

Result<WordTries> MakeWordTries(const Vocabulary& vocabulary) {
  std::vector<ByteTrie::Entry> begins;
  std::vector<ByteTrie::Entry> continues;
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    if (vocabulary.type(token) != TokenType::kNormal) continue;
    const std::string_view text = vocabulary.text(token);
    if (text.starts_with(kSpaceMark)) {
      begins.push_back({text.substr(kSpaceMark.size()), token});
    } else {
      continues.push_back({text, token});
    }
  }
  constexpr std::string_view kWhat = "tokenizer.ggml.tokens";
  BRAID_ASSIGN(ByteTrie begin_trie, ByteTrie::Make(std::move(begins), kWhat));
  BRAID_ASSIGN(ByteTrie continue_trie,
               ByteTrie::Make(std::move(continues), kWhat));
  return WordTries{std::move(begin_trie), std::move(continue_trie)};
}

// Is `word` written without a space before it? By its beginning, as
// Transformers has it.
bool JoinsTheWordBefore(std::string_view word) {
  for (const std::string_view start :
       {".", "?", "!", ",", "n't", "'m", "'s", "'ve", "'re"}) {
    if (word.starts_with(start)) return true;
  }
  return false;
}

class WpmTokenizer : public VocabularyTokenizer {
 public:
  WpmTokenizer(Vocabulary vocabulary, WordTries tries,
               const TokenizerSpec& spec)
      : VocabularyTokenizer(std::move(vocabulary), true, true,
                            TokenRole::kSeparator),
        tries_(std::move(tries)),
        lowercase_(spec.lowercase.value_or(true)),
        strip_accents_(spec.strip_accents.value_or(lowercase_)) {}

 private:
  void EncodeFragments(std::span<const Fragment> fragments,
                       std::vector<TokenId>& tokens) const override {
    const auto encode = [&](std::string_view word, int64_t characters) {
      EncodeWord(word, characters, tokens);
    };
    WordSplitter splitter(lowercase_, strip_accents_, encode);
    for (const Fragment& fragment : fragments) {
      if (fragment.token != kNoToken) {
        tokens.push_back(fragment.token);
      } else {
        splitter.Split(fragment.text);
      }
    }
  }

  void EncodeWord(std::string_view word, int64_t characters,
                  std::vector<TokenId>& tokens) const {
    const size_t before = tokens.size();
    if (characters <= kLongestWord) {
      ByteTrie::Match match = tries_.begins.Longest(word);
      while (match.length > 0) {
        tokens.push_back(match.token);
        word.remove_prefix(match.length);
        if (word.empty()) return;
        match = tries_.continues.Longest(word);
      }
    }
    tokens.resize(before);
    const TokenId unknown = vocabulary().id(TokenRole::kUnknown);
    if (unknown != kNoToken) tokens.push_back(unknown);
  }

  void AppendBytes(TokenId token, std::string& text) const override {
    std::string_view word = vocabulary().text(token);
    if (word.starts_with(kSpaceMark)) {
      word.remove_prefix(kSpaceMark.size());
      if (!JoinsTheWordBefore(word)) text += ' ';
    }
    text += word;
  }

  void AppendSpecial(TokenId token, std::string& text) const override {
    text += ' ';
    text += vocabulary().text(token);
  }

  bool TrimStart(TokenId, std::string& text) const override {
    if (text.empty()) return true;
    if (text.starts_with(' ')) text.erase(0, 1);
    return false;
  }

  WordTries tries_;
  bool lowercase_;
  bool strip_accents_;
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakeWpmTokenizer(const TokenizerSpec& spec) {
  BRAID_ASSIGN(Vocabulary vocabulary, Vocabulary::Make(spec, DefaultIds()));
  BRAID_ASSIGN(WordTries tries, MakeWordTries(vocabulary));
  return std::unique_ptr<Tokenizer>(std::make_unique<WpmTokenizer>(
      std::move(vocabulary), std::move(tries), spec));
}

}  // namespace braid
