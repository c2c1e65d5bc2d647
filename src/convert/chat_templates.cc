#include "convert/chat_templates.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/try.h"

namespace braid::convert {

namespace {

constexpr std::string_view kDefault = "default";

struct Templates {
  std::string source;  // the file, for messages
  std::map<std::string, std::string> by_name;

  bool operator==(const Templates& other) const {
    return by_name == other.by_name;
  }
};

// Keys are made of the names, and readers know these characters in them.
std::string KeyName(std::string_view name) {
  std::string key;
  for (const char c : name) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9');
    key += kept ? c : '_';
  }
  return key;
}

Status Put(const std::string& name, std::string text, Templates& templates) {
  if (name.empty()) {
    return Error{Format("{}: a chat template has no name", templates.source)};
  }
  const std::string key = KeyName(name);
  if (!templates.by_name.emplace(key, std::move(text)).second) {
    return Error{Format("{}: two chat templates have the name \"{}\"",
                        templates.source, key)};
  }
  return {};
}

Result<Templates> ReadJinjaFiles(const std::string& folder) {
  Templates templates{.source = "chat_template.jinja", .by_name = {}};
  const std::string path = folder + "/chat_template.jinja";
  if (FileExists(path)) {
    BRAID_ASSIGN(std::string text, ReadTextFile(path));
    BRAID_TRY(Put(std::string(kDefault), std::move(text), templates));
  }
  const auto more = std::filesystem::path(folder) / "additional_chat_templates";
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (std::filesystem::directory_iterator entry(more, error), end;
       !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".jinja") paths.push_back(entry->path());
  }
  std::ranges::sort(paths);
  for (const auto& named : paths) {
    BRAID_ASSIGN(std::string text, ReadTextFile(named.string()));
    BRAID_TRY(Put(named.stem().string(), std::move(text), templates));
  }
  return templates;
}

// A text, or a list of {name, template}.
Result<Templates> ReadValue(std::string source, const Json& value) {
  Templates templates{.source = std::move(source), .by_name = {}};
  if (value.IsNull()) return templates;
  if (value.Text() != nullptr) {
    BRAID_TRY(Put(std::string(kDefault), *value.Text(), templates));
    return templates;
  }
  const Error wrong{
      Format("{}: chat_template: expected a text or a list of names and "
             "templates, found {}",
             templates.source, value.Kind())};
  if (!value.IsArray()) return wrong;
  for (const Json& entry : value.Elements()) {
    const std::string* name = entry["name"].Text();
    const std::string* text = entry["template"].Text();
    if (name == nullptr || text == nullptr) return wrong;
    BRAID_TRY(Put(*name, *text, templates));
  }
  return templates;
}

}  // namespace

Status ReadChatTemplates(const std::string& folder, const Companions& files,
                         VocabularyDraft& draft) {
  BRAID_ASSIGN(const Templates jinja, ReadJinjaFiles(folder));
  BRAID_ASSIGN(const Templates config,
               ReadValue("tokenizer_config.json",
                         files.tokenizer_config["chat_template"]));
  BRAID_ASSIGN(const Json processor,
               ReadJsonIfThere(folder + "/chat_template.json"));
  BRAID_ASSIGN(const Templates old,
               ReadValue("chat_template.json", processor["chat_template"]));
  const Templates* chosen = nullptr;
  for (const Templates* templates : {&jinja, &config, &old}) {
    if (templates->by_name.empty()) continue;
    if (chosen == nullptr) {
      chosen = templates;
    } else if (!(*templates == *chosen)) {
      draft.notices.push_back(
          Format("{}: its chat templates differ from those of {}, which count",
                 templates->source, chosen->source));
    }
  }
  if (chosen == nullptr) return {};
  for (const auto& [name, text] : chosen->by_name) {
    if (name == kDefault) {
      draft.chat_template = text;
    } else {
      draft.named_templates.emplace_back(name, text);
    }
  }
  return {};
}

}  // namespace braid::convert
