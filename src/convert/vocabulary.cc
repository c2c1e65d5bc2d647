#include "convert/vocabulary.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "convert/added_tokens.h"
#include "convert/chat_templates.h"
#include "convert/folder_files.h"
#include "convert/sampling_defaults.h"
#include "convert/sentencepiece_file.h"
#include "convert/token_roles.h"
#include "convert/tokenizer_json.h"
#include "convert/vocabulary_draft.h"
#include "convert/word_lists.h"
#include "json/json.h"

namespace braid::convert {

namespace {

Error InFile(const std::string& path, const Error& error) {
  return Error{Format("{}: {}", path, error.message)};
}

std::string FindRwkvList(const std::string& folder) {
  for (const std::string_view name :
       {"rwkv_vocab_v20230424.txt", "rwkv_vocab.txt"}) {
    std::string path = Format("{}/{}", folder, name);
    if (FileExists(path)) return path;
  }
  return {};
}

std::string FindSentencePiece(const std::string& folder) {
  for (const std::string_view name :
       {"tokenizer.model", "spiece.model", "tokenizer.model.v3"}) {
    std::string path = Format("{}/{}", folder, name);
    if (FileExists(path)) return path;
  }
  return {};
}

Status ReadSentencePiece(const std::string& path, VocabularyDraft& draft) {
  BRAID_ASSIGN(const std::string bytes, ReadTextFile(path));
  const Status read = ReadSentencePieceFile(bytes, draft);
  return read.ok() ? read : InFile(path, read.error());
}

// From the first of the files that hold a whole vocabulary. A tokenizer.json
// like SentencePiece's lacks the scores, so the model file comes before it.
Status ReadVocabulary(const std::string& folder, const Companions& files,
                      VocabularyDraft& draft) {
  const std::string tokenizer_path = folder + "/tokenizer.json";
  const std::string pieces_path = FindSentencePiece(folder);
  BRAID_ASSIGN(Json tokenizer, ReadJsonIfThere(tokenizer_path));
  const bool prefers_pieces =
      tokenizer.IsNull() || IsSentencePieceLike(tokenizer);
  if (!pieces_path.empty() && prefers_pieces) {
    return ReadSentencePiece(pieces_path, draft);
  }
  if (!tokenizer.IsNull()) {
    draft.has_template = true;
    BRAID_ASSIGN(const Json whole,
                 WithFolderTokens(std::move(tokenizer), files));
    const Status read = ReadTokenizerJson(whole, draft);
    return read.ok() ? read : InFile(tokenizer_path, read.error());
  }
  const std::string merges_path = folder + "/merges.txt";
  if (FileExists(folder + "/vocab.json") && FileExists(merges_path)) {
    BRAID_ASSIGN(const Json vocab, Json::Read(folder + "/vocab.json"));
    BRAID_ASSIGN(const std::string merges, ReadTextFile(merges_path));
    const Status read =
        ReadByteLevelLists(vocab, merges, files.tokenizer_config, draft);
    return read.ok() ? read : InFile(folder, read.error());
  }
  const std::string rwkv_path = FindRwkvList(folder);
  if (!rwkv_path.empty()) {
    BRAID_ASSIGN(const std::string list, ReadTextFile(rwkv_path));
    const Status read = ReadRwkvList(list, draft);
    return read.ok() ? read : InFile(rwkv_path, read.error());
  }
  const std::string words_path = folder + "/vocab.txt";
  if (FileExists(words_path)) {
    BRAID_ASSIGN(const std::string words, ReadTextFile(words_path));
    return ReadWordPieceList(words, files.tokenizer_config, draft);
  }
  return Error{
      Format("{}: has no tokenizer; expected tokenizer.json, "
             "tokenizer.model, vocab.json with merges.txt, vocab.txt "
             "or rwkv_vocab_v20230424.txt{}",
             folder,
             FileExists(folder + "/tekken.json")
                 ? "; tekken.json, Mistral's own form, is not read"
                 : "")};
}

}  // namespace

Status DescribeVocabulary(Recipe& recipe, int64_t rows) {
  const std::string& folder = recipe.folder;
  BRAID_ASSIGN(const Companions files, ReadCompanions(folder));
  VocabularyDraft draft;
  BRAID_TRY(ReadVocabulary(folder, files, draft));
  BRAID_TRY(AddFolderTokens(files, draft));
  BRAID_TRY(AddTokenRoles(files, recipe.config, draft));
  AddTokenFlags(files, draft);
  BRAID_TRY(ReadChatTemplates(folder, files, draft));
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
  BRAID_TRY(SettlePipeline(draft));
  recipe.notices.insert(recipe.notices.end(), draft.notices.begin(),
                        draft.notices.end());
  draft.Write(recipe.metadata);
  return DescribeSampling(files.generation_config, recipe);
}

}  // namespace braid::convert
