#include "convert/unread_files.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/format.h"

namespace braid::convert {

namespace {

struct Unread {
  std::string_view prefix;  // of the file's name
  std::string_view what;
};
constexpr Unread kUnread[] = {
    {"consolidated", "weights in the form of the model's first authors"},
    {"params.json", "the configuration in the form of its first authors"},
    {"tekken.json", "the vocabulary in Mistral's own form"},
    {"adapter_config.json", "an adapter, which is not merged into the weights"},
    {"adapter_model", "an adapter, which is not merged into the weights"},
    {"processor_config.json", "what is done to images or sound"},
    {"preprocessor_config.json", "what is done to images or sound"},
};

}  // namespace

void NoteUnreadFiles(Recipe& recipe) {
  std::vector<std::string> notices;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(recipe.folder, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    for (const auto& [prefix, what] : kUnread) {
      if (!name.starts_with(prefix)) continue;
      notices.push_back(Format("{}: not read: {}", name, what));
    }
  }
  std::ranges::sort(notices);
  recipe.notices.insert(recipe.notices.end(), notices.begin(), notices.end());
}

}  // namespace braid::convert
