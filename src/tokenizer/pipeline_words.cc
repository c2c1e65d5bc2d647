// WordPiece and WordLevel, with the options of `tokenizers`.
#include <string>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/pipeline_model_kinds.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

class PipelineWordLevel : public PipelineModel {
 public:
  PipelineWordLevel(const ModelVocabulary& vocabulary, TokenId unknown)
      : vocabulary_(vocabulary), unknown_(unknown) {}

  void Encode(std::string_view piece, bool control, ModelScratch&,
              std::vector<TokenId>& tokens) const override {
    const TokenId token = vocabulary_.Find(piece);
    const bool found =
        token != kNoToken && (control || !vocabulary_.IsControl(token));
    tokens.push_back(found ? token : unknown_);
  }

 private:
  const ModelVocabulary& vocabulary_;
  TokenId unknown_;
};

// The tokens that may begin a word, and those that may continue one, without
// their prefix; with control tokens and without.
struct WordTries {
  ByteTrie begins;
  ByteTrie continues;
};

Result<WordTries> MakeTries(const ModelVocabulary& vocabulary,
                            std::string_view prefix, bool control) {
  std::vector<ByteTrie::Entry> begins;
  std::vector<ByteTrie::Entry> continues;
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    if (!vocabulary.Has(token)) continue;
    if (!control && vocabulary.IsControl(token)) continue;
    const std::string_view text = vocabulary.text(token);
    if (text.size() > ByteTrie::kLongest) {
      return Error{Format("token {} has {} bytes; at most {} are supported",
                          token, text.size(), ByteTrie::kLongest)};
    }
    begins.push_back({text, token});
    if (text.starts_with(prefix)) {
      continues.push_back({text.substr(prefix.size()), token});
    }
  }
  constexpr std::string_view kWhat = "tokenizer.ggml.tokens";
  BRAID_ASSIGN(ByteTrie begin_trie, ByteTrie::Make(std::move(begins), kWhat));
  BRAID_ASSIGN(ByteTrie continue_trie,
               ByteTrie::Make(std::move(continues), kWhat));
  return WordTries{std::move(begin_trie), std::move(continue_trie)};
}

class PipelineWordPiece : public PipelineModel {
 public:
  PipelineWordPiece(WordTries all, WordTries ordinary, TokenId unknown,
                    int64_t longest_word)
      : all_(std::move(all)),
        ordinary_(std::move(ordinary)),
        unknown_(unknown),
        longest_word_(longest_word) {}

  void Encode(std::string_view piece, bool control, ModelScratch&,
              std::vector<TokenId>& tokens) const override {
    const size_t before = tokens.size();
    const WordTries& tries = control ? all_ : ordinary_;
    if (Characters(piece) <= longest_word_) {
      ByteTrie::Match match = tries.begins.Longest(piece);
      while (match.length > 0) {
        tokens.push_back(match.token);
        piece.remove_prefix(match.length);
        if (piece.empty()) return;
        match = tries.continues.Longest(piece);
      }
    }
    tokens.resize(before);
    tokens.push_back(unknown_);
  }

 private:
  static int64_t Characters(std::string_view text) {
    int64_t characters = 0;
    for (size_t at = 0; at < text.size(); ++characters) {
      at += DecodeUtf8(text, at).length;
    }
    return characters;
  }

  WordTries all_;
  WordTries ordinary_;
  TokenId unknown_;
  int64_t longest_word_;
};

}  // namespace

MadeModel MakePipelineWordLevel(StepOptions& options, const ModelParts& parts) {
  BRAID_ASSIGN(const TokenId unknown,
               ReadUnknownToken(options, parts, "<unk>"));
  return MadeModel(
      std::make_unique<PipelineWordLevel>(*parts.vocabulary, unknown));
}

MadeModel MakePipelineWordPiece(StepOptions& options, const ModelParts& parts) {
  BRAID_ASSIGN(const TokenId unknown,
               ReadUnknownToken(options, parts, "[UNK]"));
  const std::string prefix = options.Text("continuing_subword_prefix", "##");
  const int64_t longest = options.Count("max_input_chars_per_word", 100, 0,
                                        std::numeric_limits<int32_t>::max());
  BRAID_ASSIGN(WordTries all, MakeTries(*parts.vocabulary, prefix, true));
  BRAID_ASSIGN(WordTries ordinary, MakeTries(*parts.vocabulary, prefix, false));
  return MadeModel(std::make_unique<PipelineWordPiece>(
      std::move(all), std::move(ordinary), unknown, longest));
}

}  // namespace braid
