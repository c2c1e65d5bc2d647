#include "convert/vocabulary.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/mapped_file.h"
#include "base/try.h"
#include "convert/sentencepiece_file.h"
#include "convert/tokenizer_json.h"
#include "convert/vocabulary_draft.h"
#include "convert/word_lists.h"
#include "json/json.h"

namespace braid::convert {

namespace {

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

// null if the file is not there.
Result<Json> ReadIfThere(const std::string& path) {
  return Exists(path) ? Json::Read(path) : Result<Json>(Json());
}

Result<std::string> ReadText(const std::string& path) {
  BRAID_ASSIGN(const MappedFile file, MappedFile::Open(path));
  return std::string(reinterpret_cast<const char*>(file.bytes().data()),
                     file.bytes().size());
}

// The files beside the vocabulary itself.
struct Companions {
  Json tokenizer_config;
  Json special_tokens_map;
  Json generation_config;
};

Result<Companions> ReadCompanions(const std::string& folder) {
  Companions files;
  BRAID_ASSIGN(files.tokenizer_config,
               ReadIfThere(folder + "/tokenizer_config.json"));
  BRAID_ASSIGN(files.special_tokens_map,
               ReadIfThere(folder + "/special_tokens_map.json"));
  BRAID_ASSIGN(files.generation_config,
               ReadIfThere(folder + "/generation_config.json"));
  return files;
}

// A special token is a text, or an object that has it as `content`.
const std::string* TokenText(const Json& token) {
  return token.Text() != nullptr ? token.Text() : token["content"].Text();
}

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

// The first source that knows: texts in tokenizer_config and
// special_tokens_map, then numbers in generation_config and config.
std::optional<int64_t> FindRole(std::string_view name, const Companions& files,
                                const HfConfig& config,
                                const VocabularyDraft& draft) {
  const std::string token = Format("{}_token", name);
  for (const Json* file :
       {&files.tokenizer_config, &files.special_tokens_map}) {
    const std::string* text = TokenText((*file)[token]);
    const auto id = text == nullptr ? std::nullopt : draft.Find(*text);
    if (id) return id;
  }
  const std::string token_id = token + "_id";
  for (const Json* value :
       {&files.generation_config[token_id], &config.Get(token_id)}) {
    const auto list = value->Elements();
    const auto id = list.empty() ? value->Int() : list.front().Int();
    if (id && *id >= 0 && *id < static_cast<int64_t>(draft.size())) return id;
  }
  return std::nullopt;
}

// Of several ends that generation_config lists, those that end a turn or a
// message.
void AddOtherEnds(const Json& ends, VocabularyDraft& draft) {
  for (const Json& end : ends.Elements()) {
    const std::optional<int64_t> id = end.Int();
    if (!id || *id < 0 || *id >= static_cast<int64_t>(draft.size())) continue;
    const std::string& text = draft.text(static_cast<size_t>(*id));
    for (const std::string_view turn :
         {"<|eot_id|>", "<|im_end|>", "<end_of_turn>", "<|end|>"}) {
      if (text == turn) draft.ids.try_emplace("eot", *id);
    }
    if (text == "<|eom_id|>") draft.ids.try_emplace("eom", *id);
  }
}

void AddSpecialTokens(const Companions& files, const HfConfig& config,
                      VocabularyDraft& draft) {
  for (const auto& [name, key] : kRoles) {
    const auto id = FindRole(name, files, config, draft);
    if (id) draft.ids.insert_or_assign(std::string(key), *id);
  }
  // Encoders: what stands around a text is called otherwise.
  const auto stand_in = [&draft](const char* key, const char* other) {
    const auto found = draft.ids.find(other);
    if (found != draft.ids.end()) draft.ids.try_emplace(key, found->second);
  };
  stand_in("bos", "cls");
  stand_in("eos", "seperator");
  AddOtherEnds(files.generation_config["eos_token_id"], draft);
  const auto flag = [&](std::string_view name, std::optional<bool>& value) {
    const auto given = files.tokenizer_config[name].Bool();
    if (given) value = given;
  };
  if (draft.model == "t5" && !draft.add_eos) draft.add_eos = true;
  flag("add_bos_token", draft.add_bos);
  flag("add_eos_token", draft.add_eos);
}

// One text, or the default of several; newer folders have it as a file.
Result<std::string> ReadChatTemplate(const std::string& folder,
                                     const Companions& files) {
  const Json& given = files.tokenizer_config["chat_template"];
  if (given.Text() != nullptr) return *given.Text();
  for (const Json& entry : given.Elements()) {
    const std::string* name = entry["name"].Text();
    const std::string* text = entry["template"].Text();
    if (name != nullptr && *name == "default" && text != nullptr) return *text;
  }
  const std::string path = folder + "/chat_template.jinja";
  return Exists(path) ? ReadText(path) : std::string();
}

Error InFile(const std::string& path, const Error& error) {
  return Error{Format("{}: {}", path, error.message)};
}

std::string FindRwkvList(const std::string& folder) {
  for (const std::string_view name :
       {"rwkv_vocab_v20230424.txt", "rwkv_vocab.txt"}) {
    std::string path = Format("{}/{}", folder, name);
    if (Exists(path)) return path;
  }
  return {};
}

std::string FindSentencePiece(const std::string& folder) {
  for (const std::string_view name :
       {"tokenizer.model", "spiece.model", "tokenizer.model.v3"}) {
    std::string path = Format("{}/{}", folder, name);
    if (Exists(path)) return path;
  }
  return {};
}

// A model file has no tokens that were added later.
Status ReadSentencePiece(const std::string& path, const Companions& files,
                         VocabularyDraft& draft) {
  BRAID_ASSIGN(const std::string bytes, ReadText(path));
  const Status read = ReadSentencePieceFile(bytes, draft);
  if (!read.ok()) return InFile(path, read.error());
  return AddDecoderTokens(files.tokenizer_config, draft);
}

// From the first of the files that hold a whole vocabulary. A tokenizer.json
// like SentencePiece's lacks the scores, so the model file comes before it.
Status ReadVocabulary(const std::string& folder, const Companions& files,
                      VocabularyDraft& draft) {
  const std::string tokenizer_path = folder + "/tokenizer.json";
  const std::string pieces_path = FindSentencePiece(folder);
  BRAID_ASSIGN(const Json tokenizer, ReadIfThere(tokenizer_path));
  const bool prefers_pieces =
      tokenizer.IsNull() || IsSentencePieceLike(tokenizer);
  if (!pieces_path.empty() && prefers_pieces) {
    return ReadSentencePiece(pieces_path, files, draft);
  }
  if (!tokenizer.IsNull()) {
    const Status read = ReadTokenizerJson(tokenizer, draft);
    return read.ok() ? read : InFile(tokenizer_path, read.error());
  }
  const std::string merges_path = folder + "/merges.txt";
  if (Exists(folder + "/vocab.json") && Exists(merges_path)) {
    BRAID_ASSIGN(const Json vocab, Json::Read(folder + "/vocab.json"));
    BRAID_ASSIGN(const std::string merges, ReadText(merges_path));
    const Status read =
        ReadByteLevelLists(vocab, merges, files.tokenizer_config, draft);
    return read.ok() ? read : InFile(folder, read.error());
  }
  const std::string rwkv_path = FindRwkvList(folder);
  if (!rwkv_path.empty()) {
    BRAID_ASSIGN(const std::string list, ReadText(rwkv_path));
    const Status read = ReadRwkvList(list, draft);
    return read.ok() ? read : InFile(rwkv_path, read.error());
  }
  const std::string words_path = folder + "/vocab.txt";
  if (Exists(words_path)) {
    BRAID_ASSIGN(const std::string words, ReadText(words_path));
    return ReadWordPieceList(words, files.tokenizer_config, draft);
  }
  return Error{
      Format("{}: has no tokenizer; expected tokenizer.json, "
             "tokenizer.model, vocab.json with merges.txt, vocab.txt "
             "or rwkv_vocab_v20230424.txt",
             folder)};
}

}  // namespace

Status DescribeVocabulary(Recipe& recipe, int64_t rows) {
  const std::string& folder = recipe.folder;
  BRAID_ASSIGN(const Companions files, ReadCompanions(folder));
  VocabularyDraft draft;
  BRAID_TRY(ReadVocabulary(folder, files, draft));
  AddSpecialTokens(files, recipe.config, draft);
  BRAID_ASSIGN(draft.chat_template, ReadChatTemplate(folder, files));
  const auto tokens = static_cast<int64_t>(draft.size());
  if (rows != 0 && tokens > rows) {
    const Status dropped = draft.DropFrom(static_cast<size_t>(rows));
    if (!dropped.ok()) {
      return Error{
          Format("{}: {} tokens, but the model has embeddings for {}: "
                 "{}",
                 folder, tokens, rows, dropped.error().message)};
    }
  }
  if (rows > kMaxTokens) {
    return Error{Format("{}: embeddings for {} tokens; expected at most {}",
                        folder, rows, kMaxTokens)};
  }
  const int64_t multiple = recipe.vocabulary_multiple;
  draft.PadTo(static_cast<size_t>(
      rows != 0 ? rows : (tokens + multiple - 1) / multiple * multiple));
  if (recipe.config.Has("type_vocab_size")) {
    recipe.metadata.Count("tokenizer.ggml.token_type_count",
                          recipe.config.Count("type_vocab_size"));
  }
  recipe.notices.insert(recipe.notices.end(), draft.notices.begin(),
                        draft.notices.end());
  draft.Write(recipe.metadata);
  return {};
}

}  // namespace braid::convert
