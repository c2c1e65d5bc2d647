#include "apps/braid/default_model.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/format.h"

namespace braid::cli {

namespace {

namespace fs = std::filesystem;

// Sorted, so that an error reads the same everywhere.
std::vector<std::string> MatchingFiles(const std::string& folder,
                                       const std::string& pattern) {
  std::vector<std::string> matches;
  std::error_code failed;
  fs::directory_iterator entry(folder, failed);
  for (; !failed && entry != fs::directory_iterator();
       entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (::fnmatch(pattern.c_str(), name.c_str(), 0) == 0) {
      matches.push_back(entry->path().string());
    }
  }
  std::sort(matches.begin(), matches.end());
  return matches;
}

}  // namespace

Result<std::string> FindDefaultModel() {
  std::vector<std::string> folders;
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  if (!failed) {
    const fs::path bin = program.parent_path();
    // PREFIX/bin/braid and SOURCE/build/PRESET/bin/braid.
    for (const fs::path& folder :
         {bin / "../share/braid/models", bin / "../../../models"}) {
      folders.push_back(folder.lexically_normal().string());
    }
  }
  const std::string source = BRAID_MODELS_DIR;
  if (std::find(folders.begin(), folders.end(), source) == folders.end()) {
    folders.push_back(source);
  }
  return FindModel(folders, BRAID_DEFAULT_MODEL);
}

Result<std::string> FindModel(std::span<const std::string> folders,
                              const std::string& pattern) {
  std::string searched;
  for (const std::string& folder : folders) {
    const std::vector<std::string> files = MatchingFiles(folder, pattern);
    if (files.size() == 1) return files.front();
    if (files.size() > 1) {
      return Error{Format("{}: {} models match {}; name one with -m", folder,
                          files.size(), pattern)};
    }
    searched += (searched.empty() ? "" : ", ") + folder;
  }
  return Error{
      Format("no model: give one with -m (no {} in {})", pattern, searched)};
}

}  // namespace braid::cli
