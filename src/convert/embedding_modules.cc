#include "convert/embedding_modules.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "convert/folder_files.h"
#include "tokenizer/spec.h"

namespace braid::convert {

namespace {

// Values of A.pooling_type.
struct Mode {
  std::string_view old_key;  // true in files of before `pooling_mode`
  std::string_view name;     // a value of `pooling_mode`
  int value;                 // -1: not supported
};
constexpr Mode kModes[] = {
    {"pooling_mode_mean_tokens", "mean", 1},
    {"pooling_mode_cls_token", "cls", 2},
    {"pooling_mode_lasttoken", "lasttoken", 3},
    {"pooling_mode_max_tokens", "max", -1},
    {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", -1},
    {"pooling_mode_weightedmean_tokens", "weightedmean", -1},
};

// Modes are told by one key each, or together by `pooling_mode`: one name, or a
// list.
std::vector<std::string> ModesOf(const Json& pooling) {
  std::vector<std::string> modes;
  const Json& given = pooling["pooling_mode"];
  if (given.Text() != nullptr) modes.push_back(*given.Text());
  for (const Json& mode : given.Elements()) {
    if (mode.Text() != nullptr) modes.push_back(*mode.Text());
  }
  if (!modes.empty()) return modes;
  for (const Mode& mode : kModes) {
    if (pooling[mode.old_key].Bool().value_or(false)) {
      modes.emplace_back(mode.name);
    }
  }
  return modes;
}

Status DescribePooling(const std::string& path, Recipe& recipe) {
  BRAID_ASSIGN(const Json pooling, Json::Read(path));
  const std::vector<std::string> modes = ModesOf(pooling);
  std::string list;
  for (const std::string& mode : modes) {
    list += Format("{}{}", list.empty() ? "" : " and ", mode);
  }
  const auto* mode = modes.size() == 1
                         ? std::ranges::find(kModes, modes[0], &Mode::name)
                         : std::end(kModes);
  if (mode == std::end(kModes) || mode->value < 0) {
    return Error{
        Format("{}: pooling mode {} is not supported; supported is "
               "one of mean, cls and lasttoken",
               path, list.empty() ? "none" : list)};
  }
  recipe.metadata.Count(".pooling_type", mode->value);
  if (!pooling["include_prompt"].Bool().value_or(true)) {
    recipe.notices.push_back(
        Format("{}: include_prompt: false: a prompt that is put before a text "
               "is pooled all the same",
               path));
  }
  return {};
}

// The last part of a Python name: "Pooling".
std::string_view ClassName(std::string_view type) {
  return type.substr(type.rfind('.') + 1);
}

Status DescribeModules(const Json& modules, Recipe& recipe) {
  const std::string path = recipe.folder + "/modules.json";
  if (!modules.IsArray()) return Error{Format("{}: not a list", path)};
  bool normalizes = false;
  for (const Json& module : modules.Elements()) {
    const std::string* type = module["type"].Text();
    const std::string* place = module["path"].Text();
    if (type == nullptr || place == nullptr) {
      return Error{Format("{}: a module without a type and a path", path)};
    }
    const std::string_view name = ClassName(*type);
    if (name == "Pooling") {
      BRAID_TRY(DescribePooling(
          Format("{}/{}/config.json", recipe.folder, *place), recipe));
    } else if (name == "Normalize") {
      normalizes = true;
    } else if (name != "Transformer") {
      return Error{
          Format("{}: a module of type {} is not supported; supported "
                 "are Transformer, Pooling and Normalize",
                 path, *type)};
    }
  }
  if (!normalizes) {
    recipe.notices.push_back(
        Format("{}: no module normalizes, so these embeddings are meant to "
               "have other lengths than 1; no key says that",
               path));
  }
  return {};
}

bool LowercasesTexts(const Recipe& recipe) {
  const auto& pairs = recipe.metadata.pairs();
  const auto found = std::ranges::find(
      pairs, "tokenizer.ggml.normalizer.lowercase", &gguf::KeyValue::key);
  const bool* lowercase =
      found == pairs.end() ? nullptr : std::get_if<bool>(&found->value);
  return lowercase != nullptr && *lowercase;
}

// Is a value of a configuration as good as none?
bool SaysNothing(const Json& value) {
  return value.IsNull() || value.Bool() == false ||
         (value.IsArray() && value.Elements().empty()) ||
         (value.IsObject() && value.Members().empty());
}

Status DescribeTextLimits(Recipe& recipe) {
  const std::string path = recipe.folder + "/sentence_bert_config.json";
  BRAID_ASSIGN(const Json limits, ReadJsonIfThere(path));
  for (const auto& [key, value] : limits.Members()) {
    if (SaysNothing(value)) continue;
    if (key == "max_seq_length") {
      recipe.notices.push_back(
          Format("{}: max_seq_length: {}: sentence-transformers cuts longer "
                 "texts there; no key says that",
                 path, value.Int().value_or(0)));
    } else if (key == "do_lower_case") {
      if (!LowercasesTexts(recipe)) {
        return Error{
            Format("{}: do_lower_case: true, which the vocabulary "
                   "does not do, is not supported",
                   path)};
      }
    } else {
      recipe.notices.push_back(Format("{}: {}: is not in the file", path, key));
    }
  }
  return {};
}

Status NotePrompts(Recipe& recipe) {
  const std::string path = recipe.folder + "/config_sentence_transformers.json";
  BRAID_ASSIGN(const Json settings, ReadJsonIfThere(path));
  std::string names;
  for (const auto& [name, prompt] : settings["prompts"].Members()) {
    if (prompt.Text() == nullptr || prompt.Text()->empty()) continue;
    names += Format("{}{} \"{}\"", names.empty() ? "" : ", ", name,
                    Excerpt(*prompt.Text()));
  }
  if (names.empty()) return {};
  recipe.notices.push_back(
      Format("{}: prompts, which are not in the file: texts must be given with "
             "them: {}",
             path, names));
  return {};
}

}  // namespace

Status DescribeEmbedding(Recipe& recipe) {
  BRAID_ASSIGN(const Json modules,
               ReadJsonIfThere(recipe.folder + "/modules.json"));
  const std::string alone = recipe.folder + "/1_Pooling/config.json";
  if (!modules.IsNull()) {
    BRAID_TRY(DescribeModules(modules, recipe));
  } else if (FileExists(alone)) {
    BRAID_TRY(DescribePooling(alone, recipe));
  }
  BRAID_TRY(DescribeTextLimits(recipe));
  return NotePrompts(recipe);
}

}  // namespace braid::convert
