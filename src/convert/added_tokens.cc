#include "convert/added_tokens.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "convert/word_lists.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/word_piece_text.h"

namespace braid::convert {

namespace {

using TextSet = std::set<std::string, std::less<>>;

std::optional<int64_t> ParseId(std::string_view text) {
  int64_t id = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc() || stop != end || text.empty()) return std::nullopt;
  return id;
}

// Every text that a file gives a special part to.
TextSet SpecialTexts(const Companions& files) {
  TextSet texts;
  const auto add = [&texts](const Json& token) {
    if (const std::string* text = TokenText(token)) texts.insert(*text);
  };
  for (const Json* file :
       {&files.tokenizer_config, &files.special_tokens_map}) {
    for (const auto& [name, value] : file->Members()) {
      if (name.ends_with("_token")) add(value);
      if (!name.ends_with("_special_tokens")) continue;
      for (const Json& token : value.Elements()) add(token);
      for (const auto& [inner_name, token] : value.Members()) add(token);
    }
  }
  return texts;
}

bool IsBetween(std::string_view text, std::string_view open,
               std::string_view close) {
  return text.size() > open.size() + close.size() && text.starts_with(open) &&
         text.ends_with(close);
}

bool LooksLikeMarker(std::string_view text) {
  return IsBetween(text, "<|", "|>") ||
         IsBetween(text, "<\uFF5C", "\uFF5C>");  // full-width bars
}

// What a vocabulary stores for `text`.
std::string StoredText(std::string_view text, const VocabularyDraft& draft) {
  std::string stored;
  if (draft.model == "gpt2") {
    for (const char c : text) {
      AppendByteCharacter(static_cast<uint8_t>(c), stored);
    }
  } else if (draft.model == "bert") {
    stored = MarkedWordPiece(text);
  } else if (draft.model == "rwkv") {
    stored = EscapedBytes(text);
  } else {
    stored = text;
  }
  return stored;
}

// As the files have it; the flags are those of `tokenizers`.
struct FolderToken {
  std::string_view file;
  std::string text;
  int64_t id = 0;
  bool special = false;
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;
  bool normalized = false;
};

// Of both files; of a token that is in both, the first has the flags.
Result<std::vector<FolderToken>> ListTokens(const Companions& files) {
  std::vector<FolderToken> tokens;
  const Json& decoder = files.tokenizer_config["added_tokens_decoder"];
  for (const auto& [key, entry] : decoder.Members()) {
    const Json& token = entry;  // a name that a lambda may capture
    const std::string* text = token["content"].Text();
    const std::optional<int64_t> id = ParseId(key);
    if (text == nullptr || !id) {
      return Error{
          Format("tokenizer_config.json: added_tokens_decoder: {}: "
                 "not an id and a token",
                 key)};
    }
    const auto flag = [&token](std::string_view name) {
      return token[name].Bool().value_or(false);
    };
    tokens.push_back({.file = "tokenizer_config.json: added_tokens_decoder",
                      .text = *text,
                      .id = *id,
                      .special = flag("special"),
                      .single_word = flag("single_word"),
                      .lstrip = flag("lstrip"),
                      .rstrip = flag("rstrip"),
                      .normalized = flag("normalized")});
  }
  const TextSet special_texts = SpecialTexts(files);
  for (const auto& [text, value] : files.added_tokens.Members()) {
    const std::optional<int64_t> id = value.Int();
    if (!id) {
      return Error{Format("added_tokens.json: \"{}\": its id is no number",
                          Excerpt(text))};
    }
    const bool special = special_texts.contains(text) || LooksLikeMarker(text);
    tokens.push_back({.file = "added_tokens.json",
                      .text = text,
                      .id = *id,
                      .special = special,
                      .normalized = !special});
  }
  return tokens;
}

Status Add(const FolderToken& token, VocabularyDraft& draft) {
  const bool is_symbol = draft.pieces.HasSymbol(token.id, token.text);
  if (is_symbol && token.text.find(kSpaceMark) != std::string::npos) {
    return {};  // spaces become it, which only the model knows
  }
  // What a folder adds is looked for in the text as it is.
  draft.pieces.DropSymbol(token.id);
  const TokenType type =
      token.special ? TokenType::kControl : TokenType::kUserDefined;
  const auto at = static_cast<size_t>(token.id);
  const bool there = token.id >= 0 && at < draft.size() &&
                     draft.type(at) != TokenType::kUnused;
  std::string with_spaces;
  AppendWithSpaces(token.text, with_spaces);
  const bool same =
      there && (draft.text(at) == token.text || draft.text(at) == with_spaces ||
                draft.text(at) == StoredText(token.text, draft));
  if (same && (draft.has_template || draft.type(at) != TokenType::kNormal)) {
    return {};
  }
  // RWKV's list has no text for token 0.
  const bool nameless = draft.model == "rwkv" && token.id == 0;
  if (nameless) return {};
  if (there && !same) {
    return Error{Format(
        "{}: token {} is \"{}\", but in the vocabulary it is \"{}\"",
        token.file, token.id, Excerpt(token.text), Excerpt(draft.text(at)))};
  }
  const std::optional<int64_t> known = draft.Find(token.text);
  if (known && *known != token.id) {
    return Error{
        Format("{}: \"{}\" is token {}, but in the vocabulary it is {}",
               token.file, Excerpt(token.text), token.id, *known)};
  }
  return draft.SetToken(token.id, token.text, type);
}

// The ids and texts that a tokenizer.json has, but for those that its model has
// in a list.
struct Known {
  std::set<int64_t> ids;
  TextSet added;
};

Known KnownOf(const Json& tokenizer) {
  Known known;
  for (const Json& token : tokenizer["added_tokens"].Elements()) {
    known.ids.insert(token["id"].Int().value_or(-1));
    if (const std::string* text = token["content"].Text()) {
      known.added.insert(*text);
    }
  }
  return known;
}

Json AsJson(const FolderToken& token) {
  std::vector<Json::Member> members;
  members.emplace_back("id", Json(token.id));
  members.emplace_back("content", Json(token.text));
  members.emplace_back("single_word", Json(token.single_word));
  members.emplace_back("lstrip", Json(token.lstrip));
  members.emplace_back("rstrip", Json(token.rstrip));
  members.emplace_back("normalized", Json(token.normalized));
  members.emplace_back("special", Json(token.special));
  return Json(std::move(members));
}

// Is the id of `token` that of another text in the model's vocabulary?
bool IsTaken(const FolderToken& token, const Json& vocab) {
  if (vocab.IsArray()) {
    const auto pieces = vocab.Elements();
    if (token.id < 0 || token.id >= static_cast<int64_t>(pieces.size())) {
      return false;
    }
    const auto piece = pieces[static_cast<size_t>(token.id)].Elements();
    return piece.empty() || piece[0].Text() == nullptr ||
           *piece[0].Text() != token.text;
  }
  return std::ranges::any_of(vocab.Members(), [&token](const auto& entry) {
    return (entry.second.Int() == token.id) != (entry.first == token.text);
  });
}

}  // namespace

Result<Json> WithFolderTokens(Json tokenizer, const Companions& files) {
  BRAID_ASSIGN(const std::vector<FolderToken> tokens, ListTokens(files));
  Known known = KnownOf(tokenizer);
  std::vector<Json> added;
  for (const FolderToken& token : tokens) {
    const bool fits = !known.added.contains(token.text) &&
                      !known.ids.contains(token.id) &&
                      !IsTaken(token, tokenizer["model"]["vocab"]);
    if (!fits) continue;
    known.added.insert(token.text);
    known.ids.insert(token.id);
    added.push_back(AsJson(token));
  }
  if (added.empty()) return tokenizer;
  const auto there = tokenizer["added_tokens"].Elements();
  added.insert(added.begin(), there.begin(), there.end());
  std::vector<Json::Member> members;
  for (const auto& [name, value] : tokenizer.Members()) {
    if (name != "added_tokens") members.emplace_back(name, value);
  }
  members.emplace_back("added_tokens", Json(std::move(added)));
  return Json(std::move(members));
}

Status AddFolderTokens(const Companions& files, VocabularyDraft& draft) {
  BRAID_ASSIGN(const std::vector<FolderToken> tokens, ListTokens(files));
  for (const FolderToken& token : tokens) BRAID_TRY(Add(token, draft));
  return {};
}

std::optional<int64_t> FindNamed(std::string_view text, const Companions& files,
                                 const VocabularyDraft& draft) {
  if (const auto id = draft.Find(text)) return id;
  if (const auto id = draft.Find(StoredText(text, draft))) return id;
  const Json& decoder = files.tokenizer_config["added_tokens_decoder"];
  for (const auto& [key, token] : decoder.Members()) {
    const std::string* content = token["content"].Text();
    if (content != nullptr && *content == text) return ParseId(key);
  }
  return std::nullopt;
}

}  // namespace braid::convert
