#include "convert/token_roles.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "convert/added_tokens.h"
#include "tokenizer/vocabulary.h"

namespace braid::convert {

namespace {

struct Role {
  std::string_view name;  // of NAME_token in Hugging Face's files
  std::string_view key;   // of tokenizer.ggml.KEY_token_id
};
constexpr Role kRoles[] = {
    {"bos", "bos"},
    {"eos", "eos"},
    {"unk", "unknown"},
    // The format's own spelling.
    {"sep", "seperator"},
    {"pad", "padding"},
    {"cls", "cls"},
    {"mask", "mask"},
};

struct Source {
  std::string_view file;
  const Json& content;
};

using OptionalId = Result<std::optional<int64_t>>;

// The id in `value`, which `file` has at `key`; empty for none.
OptionalId CheckedId(std::string_view file, std::string_view key,
                     const Json& value, const VocabularyDraft& draft) {
  const std::optional<int64_t> id = value.Int();
  if (!id || *id == -1) return std::optional<int64_t>();
  const auto size = static_cast<int64_t>(draft.size());
  if (*id >= 0 && *id < size) return id;
  return Error{Format("{}: {}: {} is no token of the vocabulary, which has {}",
                      file, key, *id, size)};
}

OptionalId FindByText(std::string_view name, const Companions& files,
                      const VocabularyDraft& draft) {
  const std::string key = Format("{}_token", name);
  for (const auto& [file, content] :
       {Source{"tokenizer_config.json", files.tokenizer_config},
        Source{"special_tokens_map.json", files.special_tokens_map}}) {
    const std::string* text = TokenText(content[key]);
    if (text == nullptr) continue;
    const std::optional<int64_t> id = FindNamed(*text, files, draft);
    if (id) return id;
    return Error{Format("{}: {}: \"{}\" is no token of the vocabulary", file,
                        key, Excerpt(*text))};
  }
  return std::optional<int64_t>();
}

OptionalId FindById(std::string_view name, const Companions& files,
                    const HfConfig& config, const VocabularyDraft& draft) {
  const std::string key = Format("{}_token_id", name);
  for (const auto& [file, value] :
       {Source{"generation_config.json", files.generation_config[key]},
        Source{"config.json", config.Get(key)}}) {
    const auto list = value.Elements();
    BRAID_ASSIGN(
        const std::optional<int64_t> id,
        CheckedId(file, key, list.empty() ? value : list.front(), draft));
    if (id) return id;
  }
  return std::optional<int64_t>();
}

// All ends, of the file that transformers takes them from.
Result<std::vector<int64_t>> ReadEnds(const Companions& files,
                                      const HfConfig& config,
                                      const VocabularyDraft& draft) {
  constexpr std::string_view kKey = "eos_token_id";
  const Json& generation = files.generation_config[kKey];
  const Source source = generation.IsNull()
                            ? Source{"config.json", config.Get(kKey)}
                            : Source{"generation_config.json", generation};
  std::vector<int64_t> ends;
  for (const Json& end : source.content.Elements()) {
    BRAID_ASSIGN(const std::optional<int64_t> id,
                 CheckedId(source.file, kKey, end, draft));
    if (id) ends.push_back(*id);
  }
  return ends;
}

void AddEnds(const std::vector<int64_t>& ends, VocabularyDraft& draft) {
  std::vector<int64_t> unknown;
  for (const int64_t id : ends) {
    const auto at = static_cast<size_t>(id);
    const std::string& text = draft.text(at);
    for (const std::string_view turn :
         {"<|eot_id|>", "<|im_end|>", "<end_of_turn>", "<|end|>"}) {
      if (text == turn) draft.ids.try_emplace("eot", id);
    }
    if (text == "<|eom_id|>") draft.ids.try_emplace("eom", id);
    const auto is = [&draft, id](std::string_view role) {
      const auto found = draft.ids.find(role);
      return found != draft.ids.end() && found->second == id;
    };
    const bool known_text =
        IsEndText(text) && draft.type(at) != TokenType::kNormal;
    if (!known_text && !is("eos") && !is("eot") && !is("eom")) {
      unknown.push_back(id);
    }
  }
  for (const int64_t id : unknown) {
    if (draft.ids.try_emplace("eot", id).second) continue;
    if (draft.ids.try_emplace("eom", id).second) continue;
    draft.end_ids.push_back(id);
    draft.notices.push_back(Format(
        "generation_config.json: eos_token_id: token {} \"{}\" is in "
        "braid.tokenizer.end_token_ids, which other programs do not read",
        id, Excerpt(draft.text(static_cast<size_t>(id)))));
  }
}

}  // namespace

Status AddTokenRoles(const Companions& files, const HfConfig& config,
                     VocabularyDraft& draft) {
  for (const auto& [name, key] : kRoles) {
    BRAID_ASSIGN(std::optional<int64_t> id, FindByText(name, files, draft));
    if (!id) {
      BRAID_ASSIGN(id, FindById(name, files, config, draft));
    }
    if (id) draft.ids.insert_or_assign(std::string(key), *id);
  }
  // Encoders: what stands around a text is called otherwise.
  const auto stand_in = [&draft](const char* key, const char* other) {
    const auto found = draft.ids.find(other);
    if (found != draft.ids.end()) draft.ids.try_emplace(key, found->second);
  };
  stand_in("bos", "cls");
  stand_in("eos", "seperator");
  BRAID_ASSIGN(const std::vector<int64_t> ends, ReadEnds(files, config, draft));
  AddEnds(ends, draft);
  return {};
}

void AddTokenFlags(const Companions& files, VocabularyDraft& draft) {
  const bool model_file = draft.model == "t5" && !draft.has_template;
  if (model_file && !draft.add_eos) draft.add_eos = true;
  const auto flag = [&](std::string_view name, std::optional<bool>& value) {
    const std::optional<bool> given = files.tokenizer_config[name].Bool();
    if (!draft.has_template) {
      if (given) value = given;
      return;
    }
    // Said for readers that would assume something else.
    value = value.value_or(false);
    if (!given || *given == *value) return;
    draft.notices.push_back(
        Format("tokenizer_config.json: {}: {}, but the post-processor of "
               "tokenizer.json {}, which is what counts (as in transformers 5)",
               name, *given ? "true" : "false",
               *value ? "adds the token" : "does not add it"));
  };
  flag("add_bos_token", draft.add_bos);
  flag("add_eos_token", draft.add_eos);
}

}  // namespace braid::convert
