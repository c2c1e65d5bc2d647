#include "convert/tokenizer_json.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "convert/pipeline_draft.h"
#include "convert/pre_tokenizer.h"
#include "tokenizer/base64.h"
#include "tokenizer/bpe_profiles.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/load.h"
#include "tokenizer/pipeline.h"
#include "tokenizer/word_piece_text.h"

namespace braid::convert {

namespace {

constexpr float kAddedScore = -1000;

// The type of a step; empty if it has none.
std::string_view TypeOf(const Json& step) {
  const std::string* type = step["type"].Text();
  return type == nullptr ? std::string_view() : *type;
}

// A normalizer, pre-tokenizer, ... is one step or a list of them.
template <class Visitor>
void ForEachStep(const Json& whole, std::string_view list,
                 const Visitor& visit) {
  visit(whole);
  for (const Json& step : whole[list].Elements()) visit(step);
}

bool HasStep(const Json& whole, std::string_view list, std::string_view type) {
  bool found = false;
  ForEachStep(whole, list,
              [&](const Json& step) { found |= TypeOf(step) == type; });
  return found;
}

// vocab: {text: id}
template <class TypeOfText, class TextOfText>
Status ReadVocab(const Json& vocab, const TypeOfText& type,
                 const TextOfText& stored, VocabularyDraft& draft) {
  if (!vocab.IsObject()) return Error{"model.vocab is not an object"};
  for (const auto& [text, id] : vocab.Members()) {
    const std::optional<int64_t> number = id.Int();
    if (!number)
      return Error{Format("token \"{}\": its id is no number", text)};
    const auto at = static_cast<size_t>(*number);
    if (*number >= 0 && at < draft.size() &&
        draft.type(at) != TokenType::kUnused) {
      return Error{Format("tokens \"{}\" and \"{}\" have the same id, {}",
                          draft.text(at), text, *number)};
    }
    BRAID_TRY(draft.SetToken(*number, stored(text), type(text)));
  }
  return {};
}

std::string AsStored(const std::string& text) { return text; }

// Spaces inside the halves of a merge, which GGUF separates by a space, are
// what byte-level vocabularies write for them.
std::string WithoutSpaces(const std::string& half) {
  std::string text;
  for (const char c : half) {
    if (c == ' ') {
      AppendByteCharacter(' ', text);
    } else {
      text += c;
    }
  }
  return text;
}

// Both forms: "A B" and ["A", "B"].
Status ReadMerges(const Json& merges, VocabularyDraft& draft) {
  if (!merges.IsArray()) return Error{"model.merges is not a list"};
  for (const Json& merge : merges.Elements()) {
    if (const std::string* text = merge.Text()) {
      draft.merges.push_back(*text);
      continue;
    }
    const auto halves = merge.Elements();
    if (halves.size() != 2 || halves[0].Text() == nullptr ||
        halves[1].Text() == nullptr) {
      return Error{
          Format("model.merges: number {} is not a pair", draft.merges.size())};
    }
    draft.merges.push_back(WithoutSpaces(*halves[0].Text()) + " " +
                           WithoutSpaces(*halves[1].Text()));
  }
  return {};
}

Status ReadByteLevel(const Json& tokenizer, VocabularyDraft& draft) {
  draft.model = "gpt2";
  const Result<std::string> pre = RecognisePreTokenizer(tokenizer);
  // Without a name the pipeline says what it is.
  draft.pre = pre.ok() ? *pre : "default";
  BRAID_TRY(ReadVocab(
      tokenizer["model"]["vocab"],
      [](const std::string&) { return TokenType::kNormal; }, AsStored, draft));
  return ReadMerges(tokenizer["model"]["merges"], draft);
}

// SentencePiece merges the pair with the highest score first, and its file is
// where merges came from: scores fall from merge to merge.
void ScoreByMerges(VocabularyDraft& draft) {
  std::vector<bool> scored(draft.size());
  float score = 0;
  for (const std::string& merge : draft.merges) {
    const size_t space = merge.find(' ', 1);
    if (space == merge.npos) continue;
    const auto id =
        draft.Find(merge.substr(0, space) + merge.substr(space + 1));
    if (!id || scored[static_cast<size_t>(*id)]) continue;
    scored[static_cast<size_t>(*id)] = true;
    draft.SetScore(static_cast<size_t>(*id), score -= 1);
  }
  draft.merges.clear();
}

// Is a space put before a text?
bool PrependsSpace(const Json& tokenizer) {
  bool prepends = HasStep(tokenizer["normalizer"], "normalizers", "Prepend");
  ForEachStep(tokenizer["pre_tokenizer"], "pretokenizers",
              [&](const Json& step) {
                if (TypeOf(step) != "Metaspace") return;
                const std::string* scheme = step["prepend_scheme"].Text();
                prepends |= scheme == nullptr
                                ? step["add_prefix_space"].Bool().value_or(true)
                                : *scheme != "never";
              });
  return prepends;
}

Status ReadSentencePieceLike(const Json& tokenizer, VocabularyDraft& draft) {
  draft.model = "llama";
  draft.has_scores = true;
  draft.add_space_prefix = PrependsSpace(tokenizer);
  BRAID_TRY(ReadVocab(
      tokenizer["model"]["vocab"],
      [](const std::string& text) {
        return ParseByteToken(text) ? TokenType::kByte : TokenType::kNormal;
      },
      AsStored, draft));
  for (const Json& merge : tokenizer["model"]["merges"].Elements()) {
    const auto halves = merge.Elements();
    if (merge.Text() != nullptr) {
      draft.merges.push_back(*merge.Text());
    } else if (halves.size() == 2 && halves[0].Text() && halves[1].Text()) {
      draft.merges.push_back(*halves[0].Text() + " " + *halves[1].Text());
    }
  }
  ScoreByMerges(draft);
  return {};
}

Status ReadUnigram(const Json& tokenizer, VocabularyDraft& draft) {
  draft.model = "t5";
  draft.has_scores = true;
  draft.add_space_prefix = PrependsSpace(tokenizer);
  const Json& model = tokenizer["model"];
  for (const Json& entry : model["vocab"].Elements()) {
    const auto pair = entry.Elements();
    const bool is_piece = pair.size() == 2 && pair[0].Text() != nullptr &&
                          pair[1].Number().has_value();
    if (!is_piece) {
      return Error{Format("model.vocab: number {} is not a piece and a score",
                          draft.size())};
    }
    BRAID_TRY(draft.SetToken(static_cast<int64_t>(draft.size()),
                             *pair[0].Text(), TokenType::kNormal,
                             static_cast<float>(*pair[1].Number())));
  }
  const std::optional<int64_t> unknown = model["unk_id"].Int();
  if (unknown && *unknown >= 0 &&
      *unknown < static_cast<int64_t>(draft.size())) {
    draft.SetType(static_cast<size_t>(*unknown), TokenType::kUnknown);
    draft.ids["unknown"] = *unknown;
  }
  // T5's normalizer squeezes spaces; where it does not, a step that replaces
  // runs of them does.
  draft.remove_extra_whitespaces =
      HasStep(tokenizer["normalizer"], "normalizers", "Replace") ||
      HasStep(tokenizer["normalizer"], "normalizers", "Precompiled");
  Status status;
  ForEachStep(tokenizer["normalizer"], "normalizers", [&](const Json& step) {
    const std::string* map = step["precompiled_charsmap"].Text();
    if (TypeOf(step) != "Precompiled" || map == nullptr) return;
    Result<std::string> bytes = DecodeBase64(*map);
    if (bytes.ok()) {
      draft.charsmap = std::move(*bytes);
    } else {
      status = Error{Format("precompiled_charsmap: {}", bytes.error().message)};
    }
  });
  return status;
}

// Can the texts of all tokens be got back from what GGUF writes for them?
bool CanBeMarked(const Json& vocab) {
  return std::ranges::all_of(vocab.Members(), [](const Json::Member& token) {
    return UnmarkedWordPiece(MarkedWordPiece(token.first)) == token.first;
  });
}

// Words that stand alone: written as BERT's are.
Status ReadWords(const Json& tokenizer, bool marked, VocabularyDraft& draft) {
  const auto stored = [marked](const std::string& text) {
    return marked ? MarkedWordPiece(text) : text;
  };
  draft.model = "bert";
  return ReadVocab(
      tokenizer["model"]["vocab"],
      [](const std::string&) { return TokenType::kNormal; }, stored, draft);
}

Status ReadWordPiece(const Json& tokenizer, bool marked,
                     VocabularyDraft& draft) {
  const Json& model = tokenizer["model"];
  BRAID_TRY(ReadWords(tokenizer, marked, draft));
  const std::string* unknown = model["unk_token"].Text();
  if (unknown != nullptr && draft.Find(*unknown)) {
    draft.ids["unknown"] = *draft.Find(*unknown);
  }
  ForEachStep(tokenizer["normalizer"], "normalizers", [&](const Json& step) {
    if (TypeOf(step) == "BertNormalizer") {
      draft.lowercase = step["lowercase"].Bool().value_or(true);
      // null: what lowercase is.
      draft.strip_accents = step["strip_accents"].Bool();
    }
    if (TypeOf(step) == "Lowercase") draft.lowercase = true;
    if (TypeOf(step) == "StripAccents") draft.strip_accents = true;
  });
  return {};
}

bool IsSpaceMarks(std::string_view text) {
  while (text.starts_with(kSpaceMark)) text.remove_prefix(kSpaceMark.size());
  return text.empty();
}

// Does the loader put BOS first if no key says otherwise?
bool AddsBosByDefault(const VocabularyDraft& draft) {
  if (draft.model == "llama") return true;
  const BpeProfile* profile = FindBpeProfile(draft.pre);
  return draft.model == "gpt2" && profile != nullptr && profile->add_bos;
}

// What a template puts around a text, as far as flags can say it.
void FlagTemplate(const Json& processor, const TextTemplate& parts,
                  VocabularyDraft& draft) {
  bool has_template = false;
  ForEachStep(processor, "processors", [&](const Json& step) {
    const std::string_view type = TypeOf(step);
    has_template |= type == "TemplateProcessing" || type == "BertProcessing" ||
                    type == "RobertaProcessing";
    if (type == "BertProcessing" || type == "RobertaProcessing") {
      draft.add_sep = true;
    }
  });
  if (has_template) {
    draft.add_bos = !parts.empty() && parts.front() != kNoToken;
    draft.add_eos = parts.size() > 1 && parts.back() != kNoToken;
  } else {
    if (AddsBosByDefault(draft)) draft.add_bos = false;
    if (draft.model == "t5") draft.add_eos = false;
  }
}

// Do the flags and roles say what the template does? A flag that is not what
// the template would set is of a file that comes before it.
bool FlagsSayTemplate(const VocabularyDraft& draft) {
  const TextTemplate& parts = draft.pipeline_draft->text_template;
  const auto text = std::ranges::find(parts, kNoToken);
  if (std::ranges::count(parts, kNoToken) != 1) return false;
  const TextTemplate before(parts.begin(), text);
  const TextTemplate after(text + 1, parts.end());
  const auto is = [&draft](const TextTemplate& tokens,
                           std::initializer_list<std::string_view> roles) {
    if (tokens.empty()) return true;
    for (const std::string_view role : roles) {
      const auto id = draft.ids.find(role);
      if (id != draft.ids.end()) {
        return tokens.size() == 1 && tokens[0] == id->second;
      }
    }
    return false;
  };
  if (draft.model == "bert") {
    return before.size() == 1 && after.size() == 1 &&
           is(before, {"bos", "cls"}) && is(after, {"seperator"});
  }
  const bool bos_is_overruled =
      draft.add_bos && *draft.add_bos == before.empty();
  const bool eos_is_overruled =
      draft.add_eos && *draft.add_eos == after.empty();
  return (bos_is_overruled || is(before, {"bos"})) &&
         (eos_is_overruled || is(after, {"eos"}));
}

}  // namespace

bool IsByteLevel(const Json& tokenizer) {
  return HasStep(tokenizer["pre_tokenizer"], "pretokenizers", "ByteLevel") ||
         HasStep(tokenizer["decoder"], "decoders", "ByteLevel");
}

bool IsSentencePieceLike(const Json& tokenizer) {
  return ModelType(tokenizer["model"]) == "BPE" && !IsByteLevel(tokenizer);
}

Status ReadTokenizerJson(const Json& tokenizer, VocabularyDraft& draft) {
  const std::string type = ModelType(tokenizer["model"]);
  const bool is_words = type == "WordPiece" || type == "WordLevel";
  const bool marked = is_words && CanBeMarked(tokenizer["model"]["vocab"]);
  if (type == "BPE" && IsByteLevel(tokenizer)) {
    BRAID_TRY(ReadByteLevel(tokenizer, draft));
  } else if (type == "BPE") {
    BRAID_TRY(ReadSentencePieceLike(tokenizer, draft));
  } else if (type == "Unigram") {
    BRAID_TRY(ReadUnigram(tokenizer, draft));
  } else if (type == "WordPiece") {
    BRAID_TRY(ReadWordPiece(tokenizer, marked, draft));
  } else if (type == "WordLevel") {
    BRAID_TRY(ReadWords(tokenizer, marked, draft));
  } else {
    return Error{
        Format("a tokenizer of type {}; supported are BPE, Unigram, WordPiece "
               "and WordLevel",
               type)};
  }
  BRAID_TRY(AddAddedTokens(tokenizer, draft));
  BRAID_ASSIGN(draft.pipeline_draft,
               DraftPipeline(tokenizer, marked ? "bert" : ""));
  if (is_words && !marked && draft.pipeline_draft->reason.empty()) {
    draft.pipeline_draft->reason = "words that GGUF's marks would change";
  }
  FlagTemplate(tokenizer["post_processor"], draft.pipeline_draft->text_template,
               draft);
  if (!tokenizer["truncation"].IsNull()) {
    draft.notices.push_back(
        "tokenizer.json truncates texts; that is not in the file, texts stay "
        "whole");
  }
  return {};
}

Status SettlePipeline(VocabularyDraft& draft) {
  if (!draft.pipeline_draft) return {};
  PipelineDraft& pipeline = *draft.pipeline_draft;
  if (pipeline.reason.empty() && !FlagsSayTemplate(draft)) {
    pipeline.reason = "post_processor";
  }
  if (pipeline.reason.empty()) return {};
  BRAID_ASSIGN(draft.pipeline, WithTokensBelow(pipeline.json, draft.size()));
  draft.merges = std::move(pipeline.merges);
  const auto made = MakeTokenizer(draft.Spec());
  if (!made.ok()) return made.error();
  draft.notices.push_back(
      Format("only Braid reads {}, in which this tokenizer differs from what "
             "other programs see: {}",
             kPipelineKey, pipeline.reason));
  return {};
}

Status AddAddedTokens(const Json& tokenizer, VocabularyDraft& draft) {
  const std::string* unknown = tokenizer["model"]["unk_token"].Text();
  for (const Json& added : tokenizer["added_tokens"].Elements()) {
    const std::optional<int64_t> id = added["id"].Int();
    const std::string* text = added["content"].Text();
    if (!id || text == nullptr) {
      return Error{"added_tokens: an entry without id or content"};
    }
    // Runs of the mark: `tokenizers` looks for them in the text as it is, where
    // spaces are spaces, and gets them by merging.
    const bool is_marks = draft.model == "llama" && IsSpaceMarks(*text);
    if (is_marks && draft.Find(*text)) continue;
    TokenType type = added["special"].Bool().value_or(false)
                         ? TokenType::kControl
                         : TokenType::kUserDefined;
    const auto at = static_cast<size_t>(*id);
    const bool was_unknown =
        *id >= 0 && at < draft.size() && draft.type(at) == TokenType::kUnknown;
    if (was_unknown ||
        (draft.model == "llama" && unknown != nullptr && *text == *unknown)) {
      type = TokenType::kUnknown;
      draft.ids["unknown"] = *id;
    }
    std::string stored = *text;
    if (draft.model == "llama" && type == TokenType::kUserDefined) {
      // Looked for in the text, where spaces are spaces.
      stored.clear();
      AppendWithSpaces(*text, stored);
    }
    BRAID_TRY(draft.SetToken(*id, std::move(stored), type, kAddedScore));
  }
  return {};
}

}  // namespace braid::convert
