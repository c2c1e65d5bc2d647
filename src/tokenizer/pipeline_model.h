// The model of a tokenizer.json: what cuts a piece into tokens.
#ifndef BRAID_SRC_TOKENIZER_PIPELINE_MODEL_H_
#define BRAID_SRC_TOKENIZER_PIPELINE_MODEL_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/result.h"
#include "braid/types.h"
#include "json/json.h"
#include "tokenizer/merge_loop.h"
#include "tokenizer/text_table.h"

namespace braid {

// The tokens of the model's own vocabulary, by the texts that tokenizer.json
// has. Immutable; every method may be called from any thread.
class ModelVocabulary {
 public:
  // texts[id]; a token that is not the model's is not found. Control tokens
  // are found only by whoever asks for them.
  static Result<ModelVocabulary> Make(std::span<const std::string_view> texts,
                                      const std::vector<bool>& in_model,
                                      std::vector<bool> control);

  int size() const { return texts_.size(); }
  std::string_view text(TokenId token) const { return texts_[token]; }
  bool Has(TokenId token) const { return in_model_[Index(token)]; }
  bool IsControl(TokenId token) const { return control_[Index(token)]; }

  // kNoToken if no token of the model has this text.
  TokenId Find(std::string_view text) const { return texts_.Find(text); }
  // "<0x00>" to "<0xFF>".
  std::array<TokenId, 256> FindByteTokens() const;

 private:
  static size_t Index(TokenId token) { return static_cast<size_t>(token); }

  TextTable texts_;
  std::vector<bool> in_model_;
  std::vector<bool> control_;
};

// The best way to a position of a piece, by its last token.
struct UnigramWay {
  double score = 0;
  uint32_t length = 0;  // of the last token; 0: no way is known yet
  TokenId token = kNoToken;
};

// What a model needs while it encodes. Not thread-safe.
struct ModelScratch {
  MergeLoop loop;
  std::vector<UnigramWay> ways;
  std::string text;
};

// Immutable; every method may be called from any thread.
class PipelineModel {
 public:
  virtual ~PipelineModel() = default;
  // Appends the tokens of `piece`, which is not empty. Without `control`, none
  // of them is a control token, but for the unknown token. Time O(n log n).
  virtual void Encode(std::string_view piece, bool control,
                      ModelScratch& scratch,
                      std::vector<TokenId>& tokens) const = 0;
};

// What a GGUF file says of the model outside of `model`.
struct ModelParts {
  // Must outlive the model.
  const ModelVocabulary* vocabulary;
  std::span<const std::string_view> merges;  // "A B"
  std::span<const float> scores;             // one per token
};

// `model` holds the options, and what the keys of GGUF cannot: "merges" as
// pairs if a half has a space, "scores" if they are more exact than floats.
// Errors name the option: one that is not known or not supported, an unknown
// token or half of a merge that is not in the vocabulary, a token that is too
// long to be found.
Result<std::unique_ptr<const PipelineModel>> ReadPipelineModel(
    const Json& model, const ModelParts& parts);

// "A B" as its halves; the space is not at 0, where the left half may itself
// begin with one. Both are empty if there is none.
std::pair<std::string_view, std::string_view> MergeHalves(
    std::string_view merge);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PIPELINE_MODEL_H_
