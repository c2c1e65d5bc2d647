#include "convert/tokenizer_json.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "convert/pre_tokenizer.h"
#include "convert/word_lists.h"
#include "tokenizer/byte_text.h"

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

bool IsByteLevel(const Json& tokenizer) {
  return HasStep(tokenizer["pre_tokenizer"], "pretokenizers", "ByteLevel") ||
         HasStep(tokenizer["decoder"], "decoders", "ByteLevel");
}

// Old files do not name it.
std::string ModelType(const Json& model) {
  if (!TypeOf(model).empty()) return std::string(TypeOf(model));
  if (model["merges"].IsArray()) return "BPE";
  if (model["vocab"].IsArray()) return "Unigram";
  return "WordPiece";
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
  BRAID_ASSIGN(draft.pre, RecognisePreTokenizer(tokenizer));
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

Result<std::string> DecodeBase64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t held = 0;
  int bits = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == kDigits.npos) return Error{"not base64"};
    held = (held << 6 | static_cast<uint32_t>(digit)) & 0xFFFF;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(held >> bits & 0xFF);
  }
  return bytes;
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

Status ReadWordPiece(const Json& tokenizer, VocabularyDraft& draft) {
  draft.model = "bert";
  const Json& model = tokenizer["model"];
  BRAID_TRY(ReadVocab(
      model["vocab"], [](const std::string&) { return TokenType::kNormal; },
      WordPieceText, draft));
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

// Tokens that a template puts around a text, and what that means.
void ReadPostProcessor(const Json& processor, VocabularyDraft& draft) {
  if (TypeOf(processor) == "RobertaProcessing" ||
      TypeOf(processor) == "BertProcessing") {
    draft.add_bos = true;
    draft.add_eos = true;
    draft.add_sep = true;
    return;
  }
  if (TypeOf(processor) != "TemplateProcessing") return;
  const auto single = processor["single"].Elements();
  if (single.empty()) return;
  draft.add_bos = single.front()["SpecialToken"].IsObject();
  draft.add_eos = single.size() > 1 && single.back()["SpecialToken"].IsObject();
}

}  // namespace

bool IsSentencePieceLike(const Json& tokenizer) {
  return ModelType(tokenizer["model"]) == "BPE" && !IsByteLevel(tokenizer);
}

Status ReadTokenizerJson(const Json& tokenizer, VocabularyDraft& draft) {
  const std::string type = ModelType(tokenizer["model"]);
  if (type == "BPE" && IsByteLevel(tokenizer)) {
    BRAID_TRY(ReadByteLevel(tokenizer, draft));
  } else if (type == "BPE") {
    BRAID_TRY(ReadSentencePieceLike(tokenizer, draft));
  } else if (type == "Unigram") {
    BRAID_TRY(ReadUnigram(tokenizer, draft));
  } else if (type == "WordPiece") {
    BRAID_TRY(ReadWordPiece(tokenizer, draft));
  } else {
    return Error{
        Format("a tokenizer of type {}; supported are BPE, Unigram "
               "and WordPiece",
               type)};
  }
  ForEachStep(tokenizer["post_processor"], "processors",
              [&](const Json& step) { ReadPostProcessor(step, draft); });
  return AddAddedTokens(tokenizer, draft);
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
    if (is_marks) continue;
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
