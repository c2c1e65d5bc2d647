#include "tokenizer/load.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/bpe.h"
#include "tokenizer/character_bpe.h"
#include "tokenizer/piece_lookup.h"
#include "tokenizer/pipeline.h"
#include "tokenizer/pipeline_tokenizer.h"
#include "tokenizer/rwkv.h"
#include "tokenizer/spm.h"
#include "tokenizer/unigram.h"
#include "tokenizer/wpm.h"

namespace braid {

namespace {

// The kinds of tokenizer, by tokenizer.ggml.model.
struct Kind {
  std::string_view model;
  Result<std::unique_ptr<Tokenizer>> (*make)(const TokenizerSpec&);
};
constexpr Kind kKinds[] = {
    {"gpt2", MakeBpeTokenizer},
    {"llama", MakeSpmTokenizer},
    {"gemma4", MakeCharacterBpeTokenizer},
    {"bert", MakeWpmTokenizer},
    {"t5", MakeUnigramTokenizer},
    {"rwkv", MakeRwkvTokenizer},
    {"braid-word", MakeWordTokenizer},
    {"braid-character", MakeCharacterTokenizer},
};

struct IdKey {
  TokenRole role;
  std::string_view key;
};
constexpr IdKey kIdKeys[] = {
    // What older files with BERT's vocabulary call it; bos_token_id wins.
    {TokenRole::kBos, "tokenizer.ggml.cls_token_id"},
    {TokenRole::kBos, "tokenizer.ggml.bos_token_id"},
    {TokenRole::kEos, "tokenizer.ggml.eos_token_id"},
    {TokenRole::kUnknown, "tokenizer.ggml.unknown_token_id"},
    // The format's own spelling.
    {TokenRole::kSeparator, "tokenizer.ggml.seperator_token_id"},
    {TokenRole::kPadding, "tokenizer.ggml.padding_token_id"},
    {TokenRole::kMask, "tokenizer.ggml.mask_token_id"},
    {TokenRole::kEndOfTurn, "tokenizer.ggml.eot_token_id"},
    {TokenRole::kEndOfMessage, "tokenizer.ggml.eom_token_id"},
    {TokenRole::kFimPadding, "tokenizer.ggml.fim_pad_token_id"},
    {TokenRole::kFimRepository, "tokenizer.ggml.fim_rep_token_id"},
    {TokenRole::kFimSeparator, "tokenizer.ggml.fim_sep_token_id"},
};
static_assert(std::size(kIdKeys) == kTokenRoles + 1);

// The array at `key`; nullptr if the key is absent.
Result<const gguf::Array*> FindArray(const gguf::File& file,
                                     std::string_view key) {
  const gguf::Value* value = file.Find(key);
  if (value == nullptr) return nullptr;
  const auto* array = std::get_if<gguf::Array>(value);
  if (array == nullptr) return Error{Format("{}: not an array", key)};
  return array;
}

// Empty if the key is absent.
Result<std::vector<std::string_view>> GetTexts(const gguf::File& file,
                                               std::string_view key) {
  BRAID_ASSIGN(const gguf::Array* array, FindArray(file, key));
  if (array == nullptr) return std::vector<std::string_view>();
  const auto* texts =
      std::get_if<std::vector<std::string_view>>(&array->elements);
  if (texts == nullptr) return Error{Format("{}: not an array of texts", key)};
  return *texts;
}

// Converts numbers of any type that `Number` allows. Empty if absent.
template <class Number>
Result<std::vector<Number>> GetNumbers(const gguf::File& file,
                                       std::string_view key) {
  BRAID_ASSIGN(const gguf::Array* array, FindArray(file, key));
  std::vector<Number> numbers;
  if (array == nullptr) return numbers;
  const bool converted = std::visit(
      [&numbers](const auto& elements) {
        using Element = typename std::decay_t<decltype(elements)>::value_type;
        constexpr bool kIsNumber =
            std::is_same_v<Element, int32_t> ||
            std::is_same_v<Element, uint32_t> ||
            (std::is_same_v<Element, float> && std::is_same_v<Number, float>);
        if constexpr (kIsNumber) {
          for (const Element element : elements) {
            numbers.push_back(static_cast<Number>(element));
          }
        }
        return kIsNumber;
      },
      array->elements);
  if (!converted) return Error{Format("{}: not an array of numbers", key)};
  return numbers;
}

// An array of bytes, signed or not. Empty if absent.
Result<std::string_view> GetBytes(const gguf::File& file,
                                  std::string_view key) {
  BRAID_ASSIGN(const gguf::Array* array, FindArray(file, key));
  if (array == nullptr) return std::string_view();
  const auto view = [](const auto& bytes) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()),
                            bytes.size());
  };
  const auto* bytes = std::get_if<std::vector<uint8_t>>(&array->elements);
  if (bytes != nullptr) return view(*bytes);
  const auto* signed_bytes = std::get_if<std::vector<int8_t>>(&array->elements);
  if (signed_bytes != nullptr) return view(*signed_bytes);
  return Error{Format("{}: not an array of bytes", key)};
}

Result<std::optional<bool>> GetFlag(const gguf::File& file,
                                    std::string_view key) {
  if (file.Find(key) == nullptr) return std::optional<bool>();
  BRAID_ASSIGN(const bool flag, file.GetBool(key));
  return std::optional<bool>(flag);
}

// braid.tokenizer.sentencepiece.*
Result<SentencePieceRules> ReadSentencePieceRules(const gguf::File& file) {
  const auto key = [](std::string_view name) {
    return Format("braid.tokenizer.sentencepiece.{}", name);
  };
  SentencePieceRules rules;
  BRAID_ASSIGN(const std::optional<bool> suffix,
               GetFlag(file, key("treat_whitespace_as_suffix")));
  BRAID_ASSIGN(const std::optional<bool> escapes,
               GetFlag(file, key("escape_whitespaces")));
  BRAID_ASSIGN(const std::optional<bool> bytes,
               GetFlag(file, key("byte_fallback")));
  rules.falls_back_to_bytes = bytes.value_or(rules.falls_back_to_bytes);
  rules.space_is_suffix = suffix.value_or(rules.space_is_suffix);
  rules.escapes_spaces = escapes.value_or(rules.escapes_spaces);
  BRAID_ASSIGN(rules.symbols, GetNumbers<int32_t>(file, key("user_defined")));
  BRAID_ASSIGN(rules.symbol_texts, GetTexts(file, key("user_defined_pieces")));
  BRAID_ASSIGN(rules.unused, GetNumbers<int32_t>(file, key("unused")));
  return rules;
}

// The id at `key`, empty for "none".
Result<std::optional<int64_t>> GetId(const gguf::File& file,
                                     const IdKey& id_key, TokenizerSpec& spec) {
  constexpr int64_t kNone = 0xFFFFFFFF;  // -1 as u32
  BRAID_ASSIGN(const int64_t id, file.GetInt(id_key.key));
  if (id == -1 || id == kNone) return std::optional<int64_t>();
  const auto size = static_cast<int64_t>(spec.tokens.size());
  // Without tokens something else is wrong.
  if ((id >= 0 && id < size) || size == 0) return std::optional<int64_t>(id);
  const std::string wrong =
      Format("{}: {} is no token of the vocabulary, which has {}", id_key.key,
             id, size);
  const bool unused =
      id_key.role == TokenRole::kPadding || id_key.role == TokenRole::kMask;
  if (!unused) return Error{wrong};
  spec.notices.push_back(wrong + "; it counts as none");
  return std::optional<int64_t>();
}

std::string ListKinds() {
  std::string list;
  for (const Kind& kind : kKinds) {
    if (!list.empty()) list += ", ";
    list += kind.model;
  }
  return list;
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> LoadTokenizer(const gguf::File& file) {
  BRAID_ASSIGN(const TokenizerSpec spec, ReadTokenizerSpec(file));
  return MakeTokenizer(spec);
}

Result<TokenizerSpec> ReadTokenizerSpec(const gguf::File& file) {
  TokenizerSpec spec;
  BRAID_ASSIGN(spec.model, file.GetString("tokenizer.ggml.model"));
  BRAID_ASSIGN(spec.pre, file.GetString("tokenizer.ggml.pre", spec.pre));
  BRAID_ASSIGN(spec.tokens, GetTexts(file, "tokenizer.ggml.tokens"));
  BRAID_ASSIGN(spec.merges, GetTexts(file, "tokenizer.ggml.merges"));
  BRAID_ASSIGN(spec.scores, GetNumbers<float>(file, "tokenizer.ggml.scores"));
  BRAID_ASSIGN(spec.types,
               GetNumbers<int32_t>(file, "tokenizer.ggml.token_type"));
  for (const IdKey& id_key : kIdKeys) {
    if (file.Find(id_key.key) == nullptr) continue;
    BRAID_ASSIGN(const std::optional<int64_t> id, GetId(file, id_key, spec));
    if (id) spec.ids[static_cast<size_t>(id_key.role)] = id;
  }
  BRAID_ASSIGN(spec.end_ids,
               GetNumbers<int32_t>(file, "braid.tokenizer.end_token_ids"));
  if (spec.model == "gpt2" && file.Find("tokenizer.ggml.pre") == nullptr) {
    spec.notices.push_back(Format(
        "tokenizer.ggml.pre: absent; texts are cut as \"{}\" does, which "
        "may not be how the model was trained",
        spec.pre));
  }
  BRAID_ASSIGN(spec.add_bos, GetFlag(file, "tokenizer.ggml.add_bos_token"));
  BRAID_ASSIGN(spec.add_eos, GetFlag(file, "tokenizer.ggml.add_eos_token"));
  BRAID_ASSIGN(spec.add_space_prefix,
               GetFlag(file, "tokenizer.ggml.add_space_prefix"));
  BRAID_ASSIGN(spec.remove_extra_whitespaces,
               GetFlag(file, "tokenizer.ggml.remove_extra_whitespaces"));
  BRAID_ASSIGN(spec.lowercase,
               GetFlag(file, "tokenizer.ggml.normalizer.lowercase"));
  BRAID_ASSIGN(spec.strip_accents,
               GetFlag(file, "tokenizer.ggml.normalizer.strip_accents"));
  BRAID_ASSIGN(spec.charsmap,
               GetBytes(file, "tokenizer.ggml.precompiled_charsmap"));
  BRAID_ASSIGN(spec.sentencepiece, ReadSentencePieceRules(file));
  BRAID_ASSIGN(spec.pipeline, file.GetString(kPipelineKey, ""));
  BRAID_ASSIGN(spec.architecture, file.GetString("general.architecture", ""));
  BRAID_ASSIGN(spec.name, file.GetString("general.name", ""));
  return spec;
}

Result<std::unique_ptr<Tokenizer>> MakeTokenizer(const TokenizerSpec& spec) {
  if (!spec.pipeline.empty()) return MakePipelineTokenizer(spec);
  for (const Kind& kind : kKinds) {
    if (kind.model == spec.model) return kind.make(spec);
  }
  return Error{
      Format("tokenizer.ggml.model: \"{}\" is not supported; "
             "supported: {}",
             Excerpt(spec.model), ListKinds())};
}

}  // namespace braid
