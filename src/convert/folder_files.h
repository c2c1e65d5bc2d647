// The small files of a folder, beside the weights and the vocabulary.
#ifndef BRAID_SRC_CONVERT_FOLDER_FILES_H_
#define BRAID_SRC_CONVERT_FOLDER_FILES_H_

#include <string>

#include "braid/result.h"
#include "json/json.h"

namespace braid::convert {

bool FileExists(const std::string& path);

// null if the file is not there. Errors name the file.
Result<Json> ReadJsonIfThere(const std::string& path);

Result<std::string> ReadTextFile(const std::string& path);

// What is said about a vocabulary beside it; null where there is no such file.
struct Companions {
  Json tokenizer_config;    // tokenizer_config.json
  Json special_tokens_map;  // special_tokens_map.json
  Json added_tokens;        // added_tokens.json
  Json generation_config;   // generation_config.json
};

Result<Companions> ReadCompanions(const std::string& folder);

// A token in these files is a text, or an object that has it as `content`;
// nullptr if it is neither.
const std::string* TokenText(const Json& token);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_FOLDER_FILES_H_
