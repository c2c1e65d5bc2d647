#include "convert/folder_files.h"

#include <filesystem>

#include "base/mapped_file.h"
#include "base/try.h"

namespace braid::convert {

bool FileExists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

Result<Json> ReadJsonIfThere(const std::string& path) {
  return FileExists(path) ? Json::Read(path) : Result<Json>(Json());
}

Result<std::string> ReadTextFile(const std::string& path) {
  BRAID_ASSIGN(const MappedFile file, MappedFile::Open(path));
  return std::string(reinterpret_cast<const char*>(file.bytes().data()),
                     file.bytes().size());
}

Result<Companions> ReadCompanions(const std::string& folder) {
  Companions files;
  BRAID_ASSIGN(files.tokenizer_config,
               ReadJsonIfThere(folder + "/tokenizer_config.json"));
  BRAID_ASSIGN(files.special_tokens_map,
               ReadJsonIfThere(folder + "/special_tokens_map.json"));
  BRAID_ASSIGN(files.added_tokens,
               ReadJsonIfThere(folder + "/added_tokens.json"));
  BRAID_ASSIGN(files.generation_config,
               ReadJsonIfThere(folder + "/generation_config.json"));
  return files;
}

const std::string* TokenText(const Json& token) {
  return token.Text() != nullptr ? token.Text() : token["content"].Text();
}

}  // namespace braid::convert
