#include "tokenizer/pipeline_template.h"

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/spec.h"
#include "tokenizer/step_options.h"
#include "tokenizer/step_sequence.h"

namespace braid {

namespace {

Result<TokenId> ReadId(const Json& id) {
  const std::optional<int64_t> number = id.Int();
  if (!number || *number < 0 || *number > std::numeric_limits<TokenId>::max()) {
    return Error{"a token without an id"};
  }
  return static_cast<TokenId>(*number);
}

// ["[CLS]", 101]
Result<TokenId> ReadNamedToken(const Json& token, std::string_view name) {
  const auto pair = token.Elements();
  if (pair.size() != 2 || pair[0].Text() == nullptr) {
    return Error{Format("{}: expected a token and its id", name)};
  }
  return ReadId(pair[1]);
}

Result<TextTemplate> ReadAround(StepOptions& options) {
  options.IgnoreOffsets({"trim_offsets", "add_prefix_space"});
  BRAID_ASSIGN(const TokenId first,
               ReadNamedToken(options.Value("cls"), "cls"));
  BRAID_ASSIGN(const TokenId last, ReadNamedToken(options.Value("sep"), "sep"));
  return TextTemplate{first, kNoToken, last};
}

// One element of `single`: {"Sequence": ...} or {"SpecialToken": ...}.
Status AppendPart(const Json& part, const Json& tokens, TextTemplate& result) {
  if (const std::string* id = part["Sequence"]["id"].Text()) {
    if (*id != "A") return Error{Format("single: a text {}", Excerpt(*id))};
    result.push_back(kNoToken);
    return {};
  }
  const std::string* name = part["SpecialToken"]["id"].Text();
  if (name == nullptr) return Error{"single: neither a text nor a token"};
  const auto ids = tokens[*name]["ids"].Elements();
  if (ids.empty()) {
    return Error{Format("special_tokens: \"{}\" has no ids", Excerpt(*name))};
  }
  for (const Json& id : ids) {
    BRAID_ASSIGN(const TokenId token, ReadId(id));
    result.push_back(token);
  }
  return {};
}

Result<TextTemplate> ReadTemplate(StepOptions& options) {
  options.IgnoreOffsets({"pair"});
  const Json& single = options.Value("single");
  const Json& tokens = options.Value("special_tokens");
  if (!single.IsArray()) {
    return Error{Format("single: expected an array, found {}", single.Kind())};
  }
  TextTemplate result;
  for (const Json& part : single.Elements()) {
    BRAID_TRY(AppendPart(part, tokens, result));
    if (result.size() > kLongestTemplate) break;
  }
  return result;
}

// Byte-level: touches offsets only.
Result<TextTemplate> ReadByteLevel(StepOptions& options) {
  options.IgnoreOffsets({"add_prefix_space", "trim_offsets", "use_regex"});
  return TextTemplate{kNoToken};
}

struct Kind {
  std::string_view type;
  Result<TextTemplate> (*read)(StepOptions& options);
};
constexpr Kind kKinds[] = {
    {"BertProcessing", ReadAround},
    {"ByteLevel", ReadByteLevel},
    {"RobertaProcessing", ReadAround},
    {"TemplateProcessing", ReadTemplate},
};

// `outer` with `inner` at the places of the text.
TextTemplate PutInto(const TextTemplate& outer, const TextTemplate& inner) {
  TextTemplate result;
  for (const TokenId part : outer) {
    if (part != kNoToken) {
      result.push_back(part);
    } else if (result.size() <= kLongestTemplate) {
      result.insert(result.end(), inner.begin(), inner.end());
    }
  }
  return result;
}

}  // namespace

Result<TextTemplate> ReadTextTemplate(const Json& post_processor) {
  BRAID_ASSIGN(const std::vector<const Json*> steps,
               FlattenSteps(post_processor, "post_processor", "processors"));
  TextTemplate result = {kNoToken};
  bool has_parts = false;  // from a TemplateProcessing
  for (const Json* step : steps) {
    StepOptions options(*step, "post_processor");
    const Kind* kind = nullptr;
    for (const Kind& known : kKinds) {
      if (known.type == options.type()) kind = &known;
    }
    if (kind == nullptr) return options.MakeError("this step is not supported");
    // `tokenizers` hands the parts on as texts of their own.
    if (has_parts && kind->read != ReadByteLevel) {
      return options.MakeError(
          "not supported behind a TemplateProcessing, whose parts it "
          "would take for several texts");
    }
    has_parts = has_parts || kind->read == ReadTemplate;
    const Result<TextTemplate> outer = kind->read(options);
    if (!outer.ok()) return options.MakeError(outer.error().message);
    BRAID_TRY(options.Finish());
    result = PutInto(*outer, result);
    if (result.size() > kLongestTemplate) {
      return options.MakeError(
          Format("more than {} tokens around a text", kLongestTemplate));
    }
  }
  return result;
}

}  // namespace braid
