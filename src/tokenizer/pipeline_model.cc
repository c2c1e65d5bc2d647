#include "tokenizer/pipeline_model.h"

#include <algorithm>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/pipeline_model_kinds.h"
#include "tokenizer/spec.h"
#include "tokenizer/step_options.h"

namespace braid {

namespace {

struct Kind {
  std::string_view type;
  MadeModel (*make)(StepOptions& options, const ModelParts& parts);
};
constexpr Kind kKinds[] = {
    {"BPE", MakePipelineBpe},
    {"Unigram", MakePipelineUnigram},
    {"WordLevel", MakePipelineWordLevel},
    {"WordPiece", MakePipelineWordPiece},
};

}  // namespace

Result<ModelVocabulary> ModelVocabulary::Make(
    std::span<const std::string_view> texts, const std::vector<bool>& in_model,
    std::vector<bool> control) {
  ModelVocabulary vocabulary;
  BRAID_ASSIGN(vocabulary.texts_,
               TextTable::Make(texts, in_model, "tokenizer.ggml.tokens"));
  vocabulary.in_model_ = in_model;
  vocabulary.control_ = std::move(control);
  return vocabulary;
}

std::array<TokenId, 256> ModelVocabulary::FindByteTokens() const {
  std::array<TokenId, 256> tokens;
  for (size_t byte = 0; byte < tokens.size(); ++byte) {
    tokens[byte] = Find(ByteTokenText(static_cast<uint8_t>(byte)));
  }
  return tokens;
}

Result<std::unique_ptr<const PipelineModel>> ReadPipelineModel(
    const Json& model, const ModelParts& parts) {
  StepOptions options(model, "model");
  const auto kind = std::ranges::find(kKinds, options.type(), &Kind::type);
  if (kind == std::end(kKinds)) {
    return options.MakeError(
        "this kind of model is not supported; "
        "supported: BPE, Unigram, WordLevel, WordPiece");
  }
  MadeModel made = kind->make(options, parts);
  if (!made.ok()) return options.MakeError(made.error().message);
  BRAID_TRY(options.Finish());
  return made;
}

Result<TokenId> ReadUnknownToken(StepOptions& options, const ModelParts& parts,
                                 std::string_view default_text) {
  const std::string text = options.Text("unk_token", default_text);
  if (text.empty() && !options.Has("unk_token")) return kNoToken;
  const TokenId token = parts.vocabulary->Find(text);
  if (token == kNoToken) {
    return Error{
        Format("unk_token: \"{}\" is not in the vocabulary", Excerpt(text))};
  }
  return token;
}

std::pair<std::string_view, std::string_view> MergeHalves(
    std::string_view merge) {
  const size_t space = merge.find(' ', 1);
  if (space == merge.npos || space + 1 == merge.size()) return {};
  return {merge.substr(0, space), merge.substr(space + 1)};
}

}  // namespace braid
