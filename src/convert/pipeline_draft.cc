#include "convert/pipeline_draft.h"

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "convert/piece_score.h"
#include "convert/plain_tokenizer.h"
#include "tokenizer/pipeline_model.h"
#include "tokenizer/spec.h"

namespace braid::convert {

namespace {

using Members = std::vector<Json::Member>;

// The ids of the model's own tokens, by text.
using Ids = std::unordered_map<std::string_view, int64_t>;

Result<Ids> ReadModelIds(const Json& vocab) {
  Ids ids;
  for (const auto& [text, id] : vocab.Members()) {
    ids.emplace(text, id.Int().value_or(-1));
  }
  int64_t next = 0;
  for (const Json& piece : vocab.Elements()) {
    const auto pair = piece.Elements();
    const std::string* text = pair.empty() ? nullptr : pair[0].Text();
    if (text == nullptr) {
      return Error{
          Format("model.vocab: number {} is not a piece and a score", next)};
    }
    if (!ids.emplace(*text, next).second) {
      return Error{Format("model.vocab: \"{}\" is there twice, as {} and {}",
                          Excerpt(*text), ids.at(*text), next)};
    }
    ++next;
  }
  return ids;
}

// Of added tokens, those that the model lacks.
Result<Json> FindOutsiders(const Json& added_tokens, const Ids& ids) {
  std::vector<Json> outside;
  for (const Json& token : added_tokens.Elements()) {
    const std::string* content = token["content"].Text();
    const std::optional<int64_t> id = token["id"].Int();
    if (content == nullptr || !id) continue;
    const auto found = ids.find(*content);
    if (found == ids.end()) {
      outside.emplace_back(*id);
    } else if (found->second != *id) {
      return Error{Format("added token \"{}\": id {}, but {} in model.vocab",
                          Excerpt(*content), *id, found->second)};
    }
  }
  return Json(std::move(outside));
}

// "A B" or ["A", "B"]; empty texts if it is neither.
std::pair<std::string, std::string> ReadMerge(const Json& merge) {
  const auto halves = merge.Elements();
  if (const std::string* text = merge.Text()) {
    const auto [left, right] = MergeHalves(*text);
    return {std::string(left), std::string(right)};
  }
  if (halves.size() == 2 && halves[0].Text() != nullptr &&
      halves[1].Text() != nullptr) {
    return {*halves[0].Text(), *halves[1].Text()};
  }
  return {};
}

// Fills in draft.merges, and returns them as pairs if "A B" cannot hold one.
Result<Json> ReadMerges(const Json& merges, PipelineDraft& draft) {
  bool ambiguous = false;
  for (const Json& merge : merges.Elements()) {
    const auto [left, right] = ReadMerge(merge);
    if (left.empty() || right.empty()) {
      return Error{
          Format("model.merges: number {} is not a pair", draft.merges.size())};
    }
    draft.merges.push_back(Format("{} {}", left, right));
    const auto [first, second] = MergeHalves(draft.merges.back());
    ambiguous |= first != left || second != right;
  }
  if (!ambiguous) return Json();
  std::vector<Json> pairs;
  for (const Json& merge : merges.Elements()) {
    auto [left, right] = ReadMerge(merge);
    pairs.emplace_back(
        std::vector<Json>{Json(std::move(left)), Json(std::move(right))});
  }
  return Json(std::move(pairs));
}

// Scores that are no floats as `tokenizers` reads them.
Json ExactScores(const Json& vocab) {
  std::vector<Json> scores;
  bool exact = true;
  for (const Json& piece : vocab.Elements()) {
    const auto pair = piece.Elements();
    const double score =
        pair.size() == 2 ? ScoreAsRead(pair[1].Number().value_or(0)) : 0;
    exact = exact && static_cast<double>(static_cast<float>(score)) == score;
    scores.emplace_back(score);
  }
  return exact ? Json() : Json(std::move(scores));
}

Result<Json> ModelWithoutVocabulary(const Json& model, PipelineDraft& draft) {
  Members members = {{"type", Json(ModelType(model))}};
  for (const auto& [name, value] : model.Members()) {
    if (name != "type" && name != "vocab" && name != "merges") {
      members.emplace_back(name, value);
    }
  }
  BRAID_ASSIGN(Json pairs, ReadMerges(model["merges"], draft));
  if (!pairs.IsNull()) members.emplace_back("merges", std::move(pairs));
  Json scores = ExactScores(model["vocab"]);
  if (!scores.IsNull()) members.emplace_back("scores", std::move(scores));
  return Json(std::move(members));
}

}  // namespace

std::string ModelType(const Json& model) {
  if (const std::string* type = model["type"].Text()) return *type;
  if (model["merges"].IsArray()) return "BPE";
  if (model["vocab"].IsArray()) return "Unigram";
  return "WordPiece";
}

Result<PipelineDraft> DraftPipeline(const Json& tokenizer,
                                    std::string_view stored_texts) {
  PipelineDraft draft;
  const Json& model = tokenizer["model"];
  BRAID_ASSIGN(const Ids ids, ReadModelIds(model["vocab"]));
  Members members;
  for (const std::string_view part :
       {"added_tokens", "normalizer", "pre_tokenizer", "post_processor",
        "decoder"}) {
    members.emplace_back(part, tokenizer[part]);
  }
  BRAID_ASSIGN(Json options, ModelWithoutVocabulary(model, draft));
  members.emplace_back("model", std::move(options));
  BRAID_ASSIGN(Json outside, FindOutsiders(tokenizer["added_tokens"], ids));
  members.emplace_back("outside_model", std::move(outside));
  if (!stored_texts.empty()) {
    members.emplace_back("stored_texts", Json(std::string(stored_texts)));
  }
  draft.json = WriteJson(Json(std::move(members)));
  draft.reason = FindUnspeakable(tokenizer);
  BRAID_ASSIGN(draft.text_template,
               ReadTextTemplate(tokenizer["post_processor"]));
  return draft;
}

Result<std::string> WithTokensBelow(std::string_view json, size_t size) {
  BRAID_ASSIGN(const Json whole, Json::Parse(json));
  Members members;
  for (const auto& [name, value] : whole.Members()) {
    const bool are_tokens = name == "added_tokens";
    if (!value.IsArray() || (!are_tokens && name != "outside_model")) {
      members.emplace_back(name, value);
      continue;
    }
    std::vector<Json> kept;
    for (const Json& element : value.Elements()) {
      const auto id = (are_tokens ? element["id"] : element).Int();
      if (id && *id < static_cast<int64_t>(size)) kept.push_back(element);
    }
    members.emplace_back(name, Json(std::move(kept)));
  }
  return WriteJson(Json(std::move(members)));
}

}  // namespace braid::convert
