// The unigram language model as `tokenizers` has it: sums are doubles, and a
// run of unknown characters is one text, which may be a token after all.
//
// Source: Kudo: "Subword regularization" (ACL 2018), section 3.2.
#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/pipeline_model_kinds.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

// An unknown character scores this much below the worst token.
constexpr double kUnknownPenalty = 10;

// From "scores" of the pipeline if it is there, else from the file's list.
Result<std::vector<double>> ReadScores(StepOptions& options,
                                       const ModelParts& parts) {
  std::vector<double> scores(parts.scores.begin(), parts.scores.end());
  const Json& exact = options.Value("scores");
  if (!exact.IsNull()) scores.clear();
  for (const Json& score : exact.Elements()) {
    if (!score.Number()) return Error{"scores: not a number"};
    scores.push_back(*score.Number());
  }
  const auto tokens = static_cast<size_t>(parts.vocabulary->size());
  if (scores.size() > tokens || (!exact.IsNull() && scores.empty())) {
    return Error{Format("scores: {} for {} tokens", scores.size(), tokens)};
  }
  scores.resize(tokens);
  return scores;
}

class PipelineUnigram : public PipelineModel {
 public:
  PipelineUnigram(const ModelVocabulary& vocabulary, ByteTrie trie,
                  std::vector<double> scores, TokenId unknown,
                  bool byte_fallback)
      : vocabulary_(vocabulary),
        trie_(std::move(trie)),
        scores_(std::move(scores)),
        unknown_(unknown),
        byte_fallback_(byte_fallback),
        byte_tokens_(vocabulary.FindByteTokens()) {
    double lowest = std::numeric_limits<double>::infinity();
    for (TokenId token = 0; token < vocabulary.size(); ++token) {
      if (vocabulary.Has(token)) lowest = std::min(lowest, Score(token));
    }
    unknown_score_ = lowest - kUnknownPenalty;
  }

  void Encode(std::string_view piece, bool control, ModelScratch& scratch,
              std::vector<TokenId>& tokens) const override {
    FindWays(piece, control, scratch.ways);
    const size_t first = tokens.size();
    size_t unknown_end = 0;  // of the run of unknown characters; 0: none
    size_t end = piece.size();
    while (end > 0) {
      const UnigramWay& way = scratch.ways[end];
      const size_t begin = end - way.length;
      if (way.token == unknown_) {
        if (unknown_end == 0) unknown_end = end;
      } else {
        AppendUnknown(
            piece.substr(end, unknown_end > end ? unknown_end - end : 0),
            control, tokens);
        unknown_end = 0;
        tokens.push_back(way.token);
      }
      end = begin;
    }
    AppendUnknown(piece.substr(0, unknown_end), control, tokens);
    std::reverse(tokens.begin() + static_cast<std::ptrdiff_t>(first),
                 tokens.end());
  }

 private:
  double Score(TokenId token) const {
    return scores_[static_cast<size_t>(token)];
  }

  void FindWays(std::string_view text, bool control,
                std::vector<UnigramWay>& ways) const {
    ways.assign(text.size() + 1, UnigramWay());
    for (size_t at = 0; at < text.size();) {
      const double score = ways[at].score;
      const uint32_t character = DecodeUtf8(text, at).length;
      bool character_is_token = false;
      ByteTrie::Node node = ByteTrie::kRoot;
      for (size_t end = at; end < text.size();) {
        node = trie_.Step(node, static_cast<uint8_t>(text[end++]));
        if (node == ByteTrie::kNone) break;
        const TokenId token = trie_.token(node);
        if (token == kNoToken) continue;
        if (!control && vocabulary_.IsControl(token)) continue;
        const auto length = static_cast<uint32_t>(end - at);
        character_is_token |= length == character;
        Improve(score + Score(token), length, token, ways[end]);
      }
      if (!character_is_token) {
        Improve(score + unknown_score_, character, unknown_,
                ways[at + character]);
      }
      at += character;
    }
  }

  static void Improve(double score, uint32_t length, TokenId token,
                      UnigramWay& best) {
    if (best.length == 0 || score > best.score) best = {score, length, token};
  }

  // The tokens of a run of unknown characters, last first.
  void AppendUnknown(std::string_view run, bool control,
                     std::vector<TokenId>& tokens) const {
    if (run.empty()) return;
    const TokenId whole = vocabulary_.Find(run);
    if (whole != kNoToken && (control || !vocabulary_.IsControl(whole))) {
      tokens.push_back(whole);
      return;
    }
    const auto has_token = [this](char byte) {
      return byte_tokens_[static_cast<uint8_t>(byte)] != kNoToken;
    };
    if (byte_fallback_ && std::ranges::all_of(run, has_token)) {
      for (size_t i = run.size(); i-- > 0;) {
        tokens.push_back(byte_tokens_[static_cast<uint8_t>(run[i])]);
      }
    } else if (unknown_ != kNoToken) {
      tokens.push_back(unknown_);
    }
  }

  const ModelVocabulary& vocabulary_;
  ByteTrie trie_;
  std::vector<double> scores_;
  TokenId unknown_;
  bool byte_fallback_;
  std::array<TokenId, 256> byte_tokens_;
  double unknown_score_ = 0;
};

}  // namespace

MadeModel MakePipelineUnigram(StepOptions& options, const ModelParts& parts) {
  const ModelVocabulary& vocabulary = *parts.vocabulary;
  const auto unknown = static_cast<TokenId>(options.Count(
      "unk_id", kNoToken, 0, static_cast<int64_t>(vocabulary.size()) - 1));
  const bool byte_fallback = options.Flag("byte_fallback", false);
  BRAID_ASSIGN(std::vector<double> scores, ReadScores(options, parts));
  std::vector<ByteTrie::Entry> entries;
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    if (!vocabulary.Has(token)) continue;
    const std::string_view text = vocabulary.text(token);
    if (text.size() > ByteTrie::kLongest) {
      return Error{Format("token {} has {} bytes; at most {} are supported",
                          token, text.size(), ByteTrie::kLongest)};
    }
    entries.push_back({text, token});
  }
  BRAID_ASSIGN(ByteTrie trie,
               ByteTrie::Make(std::move(entries), "tokenizer.ggml.tokens"));
  return MadeModel(std::make_unique<PipelineUnigram>(
      vocabulary, std::move(trie), std::move(scores), unknown, byte_fallback));
}

}  // namespace braid
