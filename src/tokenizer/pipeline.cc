#include "tokenizer/pipeline.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/spec.h"
#include "tokenizer/step_options.h"

namespace braid {

namespace {

constexpr int64_t kHighestId = std::numeric_limits<TokenId>::max() - 1;

Result<std::vector<AddedToken>> ReadAddedTokens(const Json& list) {
  if (!list.IsNull() && !list.IsArray()) {
    return Error{
        Format("added_tokens: expected an array, found {}", list.Kind())};
  }
  std::vector<AddedToken> tokens;
  for (const Json& json : list.Elements()) {
    StepOptions options(json, Format("added_tokens[{}]", tokens.size()));
    AddedToken token;
    if (!options.Has("id")) options.Fail("id is missing");
    token.id =
        static_cast<TokenId>(options.Count("id", kNoToken, 0, kHighestId));
    token.content = options.RequiredText("content");
    token.single_word = options.Flag("single_word", false);
    token.lstrip = options.Flag("lstrip", false);
    token.rstrip = options.Flag("rstrip", false);
    token.special = options.Flag("special", false);
    token.normalized = options.Flag("normalized", !token.special);
    if (token.content.empty()) options.Fail("content is empty");
    BRAID_TRY(options.Finish());
    tokens.push_back(std::move(token));
  }
  return tokens;
}

Result<std::vector<TokenId>> ReadIds(const Json& list, std::string_view name) {
  if (!list.IsNull() && !list.IsArray()) {
    return Error{Format("{}: expected an array, found {}", name, list.Kind())};
  }
  std::vector<TokenId> ids;
  for (const Json& json : list.Elements()) {
    const std::optional<int64_t> id = json.Int();
    if (!id || *id < 0 || *id > kHighestId) {
      return Error{Format("{}[{}]: no id of a token", name, ids.size())};
    }
    ids.push_back(static_cast<TokenId>(*id));
  }
  return ids;
}

}  // namespace

Result<Pipeline> Pipeline::Read(std::string_view json) {
  if (json.size() > kLongest) {
    return Error{
        Format("{} bytes; at most {} are supported", json.size(), kLongest)};
  }
  BRAID_ASSIGN(const Json root, Json::Parse(json));
  if (!root.IsObject()) {
    return Error{Format("expected an object, found {}", root.Kind())};
  }
  Pipeline pipeline;
  StepOptions parts(root, "tokenizer");
  BRAID_ASSIGN(pipeline.added_tokens,
               ReadAddedTokens(parts.Value("added_tokens")));
  BRAID_ASSIGN(pipeline.outside_model,
               ReadIds(parts.Value("outside_model"), "outside_model"));
  parts.Choice("stored_texts", 0, {"bert"});
  pipeline.texts_are_marked = parts.Has("stored_texts");
  BRAID_ASSIGN(pipeline.normalizer,
               PipelineNormalizer::Read(parts.Value("normalizer")));
  BRAID_ASSIGN(pipeline.pre_tokenizer,
               PipelinePreTokenizer::Read(parts.Value("pre_tokenizer")));
  // `tokenizers` fails there, or takes the start of the text twice.
  if (pipeline.normalizer.inserts() && pipeline.pre_tokenizer.writes_bytes()) {
    return Error{
        "normalizer Replace: a pattern that may match no character is not "
        "supported before the pre_tokenizer ByteLevel"};
  }
  BRAID_ASSIGN(pipeline.decoder, PipelineDecoder::Read(parts.Value("decoder")));
  BRAID_ASSIGN(pipeline.text_template,
               ReadTextTemplate(parts.Value("post_processor")));
  pipeline.model = parts.Value("model");
  BRAID_TRY(parts.Finish());
  return pipeline;
}

}  // namespace braid
